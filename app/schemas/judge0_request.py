"""Judge0's requests as ours, and what we find wrong with them in their words. Which is which: `docs/compat.md`."""

import shlex
from collections.abc import Mapping, Sequence

from marshmallow import ValidationError

from app.schemas.complaints import Complaint
from app.schemas.fields import Flag
from app.schemas.foreign import Amount, Lenient, Listed, Number, Plain, Refused, Wish
from app.schemas.parts import Items, Union
from app.schemas.response import Json
from domain.errors import InvalidRequest, Problem

MAX_BATCH = 20
MAX_COMMAND_CHARS = 128
DEFAULT_FIELDS = ("stdout", "time", "memory", "stderr", "token", "compile_output", "message", "status")
FIELDS = (
    *DEFAULT_FIELDS,
    *("status_id", "exit_code", "exit_signal", "wall_time", "created_at", "finished_at", "language", "language_id"),
    *("cpu_time_limit", "wall_time_limit", "memory_limit", "max_processes_and_or_threads", "max_file_size"),
    *("enable_network", "number_of_runs"),
)
"""What answers can have."""

_OURS = {
    "source": "source_code",
    "language": "language_id",
    "arguments": "command_line_arguments",
    "test_cases[0].input": "stdin",
    "test_cases[0].expected_output": "expected_output",
    "constraints.timeout_ms": "cpu_time_limit",
    "constraints.wall_timeout_ms": "wall_time_limit",
    "constraints.memory_mb": "memory_limit",
    "constraints.processes": "max_processes_and_or_threads",
    "constraints.output_kb": "max_file_size",
    "constraints.network_enabled": "enable_network",
}
_IN_QUERY = {"fields", "tokens", "base64_encoded"}
"""What is wrong with these is no list of fields but an `error`."""


class Id(Number):
    """The number of a language, perhaps within a string."""

    def read(self, value: object) -> int:
        """Take whole numbers."""
        number = super().read(value)
        if number != int(number):
            raise ValidationError(Complaint("must be a whole number", "GET /languages lists them"))
        return int(number)


class Judge0Submission(Lenient):
    """A submission as Judge0's clients send it."""

    source_code = Plain(required=True)
    language_id = Id(required=True, description="Of GET /languages.")
    stdin = Plain()
    expected_output = Plain(description="Compared line by line, white space at the ends of lines and text apart.")
    command_line_arguments = Plain(description="Split as a shell would, and given to none.")
    cpu_time_limit = Amount("timeout_ms", scale=1000)
    wall_time_limit = Amount("wall_timeout_ms", scale=1000)
    memory_limit = Amount("memory_mb", scale=1 / 1024)
    max_processes_and_or_threads = Amount("processes")
    max_file_size = Amount("output_kb")
    enable_network = Flag()
    cpu_extra_time = Number(description="Has no effect.")
    stack_limit = Number(description="Has no effect: the stack counts as memory.")
    compiler_options = Refused("leave it out: how a language is compiled is fixed")
    additional_files = Refused("leave it out: /v1/submissions takes several files")
    callback_url = Refused("leave it out and poll, or use /v1/submissions")
    redirect_stderr_to_stdout = Refused("leave it out: stdout and stderr are told apart")
    number_of_runs = Refused("leave it out: each program runs once", also=(1, "1"))
    enable_per_process_and_thread_time_limit = Refused("leave it out: limits are for all processes together")
    enable_per_process_and_thread_memory_limit = Refused("leave it out: limits are for all processes together")


class Judge0Batch(Lenient):
    """Many submissions; each has its own place in the answer."""

    submissions = Items(
        Union(lambda value: value, {"description": "As POST /submissions takes it."}), most=MAX_BATCH, required=True
    )


class FieldsQuery(Lenient):
    """What to tell, and how."""

    base64_encoded = Wish("Whether texts are base64, coming in and going out.")
    fields = Listed(  # type: ignore[assignment]
        "|".join(("\\*", *FIELDS)),
        most=len(FIELDS),
        hint="use * or some of " + ", ".join(FIELDS),
        description="Names with commas, or `*` for all; by default those that clients mostly want.",
    )


class CreateQuery(FieldsQuery):
    """The same, for a new one."""

    wait = Wish("Hold the answer until it is done, at most 60 s.")


class TokensQuery(FieldsQuery):
    """The same, for several."""

    tokens = Listed(
        "[^,]*", most=MAX_BATCH, hint=f"use at most {MAX_BATCH}, with commas", required=True, description="With commas."
    )


def request_json(asked: Mapping[str, object], language: str, *, encoded: bool) -> Json:
    """Give our own request for theirs. Raises InvalidRequest."""
    constraints = {ours: asked.get(theirs) for ours, theirs in _constraints().items()}
    case: Json = {}
    if "stdin" in asked:
        case["input"] = _bytes(asked["stdin"], encoded=encoded)
    if "expected_output" in asked:
        case["expected_output"] = _bytes(asked["expected_output"], encoded=encoded)
    return {
        "language": language,
        "source": {"type": "code", "content": _bytes(asked["source_code"], encoded=encoded)},
        "arguments": _split(str(asked.get("command_line_arguments", ""))),
        "test_cases": [case] if case else [],
        "checker": {"type": "lines"},
        "constraints": {name: value for name, value in constraints.items() if value is not None},
        "metadata": {"judge0": {"language_id": asked["language_id"]}},
    }


def _constraints() -> dict[str, str]:
    """Give the constraints that they know, with their names for them."""
    return {ours.removeprefix("constraints."): name for ours, name in _OURS.items() if ours.startswith("constraints.")}


def _bytes(value: object, *, encoded: bool) -> object:
    # Clients break base64 into lines, and some leave out its end.
    text = "".join(str(value).split()) if encoded else value
    return {"base64": f"{text}{'=' * (-len(str(text)) % 4)}"} if encoded else text


def _split(command: str) -> list[str]:
    hint = f"use at most {MAX_COMMAND_CHARS} characters, with quotation marks in pairs"
    try:
        if len(command) <= MAX_COMMAND_CHARS:
            return shlex.split(command)
    except ValueError as error:
        raise InvalidRequest(Problem("command_line_arguments", str(error), hint)) from None
    raise InvalidRequest(Problem("command_line_arguments", f"has {len(command)} characters", hint))


def errors_json(problems: Sequence[Problem]) -> Json:
    """List what is wrong by their names of fields."""
    told: Json = {}
    for problem in problems:
        told.setdefault(_theirs(problem.field), [_words(problem)])
    return told


def _words(problem: Problem) -> str:
    return f"{problem.message}; {problem.hint}" if problem.hint else problem.message


def _theirs(path: str) -> str:
    found = [ours for ours in _OURS if path == ours or path.startswith((f"{ours}.", f"{ours}["))]
    return _OURS[max(found, key=len)] if found else path or "base"


def error_json(status: int, error: Json) -> tuple[int, Json]:
    """Turn an error of our shape into theirs."""
    fields = error["fields"]
    problems = [Problem(**each) for each in fields] if isinstance(fields, list) else []
    if not problems:
        return status, {"error": error["message"]}
    in_query = [problem for problem in problems if problem.field in _IN_QUERY]
    return (400, {"error": _words(in_query[0])}) if in_query else (status, errors_json(problems))
