"""Piston's protocol, version 2: its requests as ours, our answers as its. Which is which: `docs/compat.md`."""

import base64
import fnmatch
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from marshmallow import Schema, ValidationError, fields
from semantic_version import NpmSpec, Version

from app.schemas.cases import Arguments
from app.schemas.complaints import Complaint
from app.schemas.fields import Choice
from app.schemas.files import MAX_FILES
from app.schemas.foreign import Amount, Lenient, Number, Plain
from app.schemas.parts import Items, Object
from app.schemas.response import Json
from domain.errors import Problem
from domain.language import Language
from domain.verdict import Verdict

NO_LIMIT = -1
_MIB = 1024 * 1024
_IGNORED = "Has no effect: what a compiler may spend is fixed for each language."
_STATUS = {Verdict.TLE: "TO", Verdict.OLE: "OL", Verdict.JE: "XX"}
_OURS = {
    "test_cases[0].input.stdin": "stdin",
    "source.": "",
    "arguments": "args",
    "constraints.wall_timeout_ms": "run_timeout",
    "constraints.timeout_ms": "run_cpu_time",
    "constraints.memory_mb": "run_memory_limit",
}


class PistonFile(Lenient):
    """A file; the first one is what is run."""

    name = Plain()
    content = Plain(required=True)
    encoding = Choice("utf8", "base64", "hex")


class PistonRequest(Lenient):
    """What Piston's clients send to be run."""

    language = Plain(required=True, description="A name or an alias of GET /runtimes.")
    version = Plain(required=True, description="As npm names versions: `*`, `3.x`, `3.11.2`.")
    files = Items(Object(PistonFile), most=MAX_FILES, required=True)
    stdin = Plain()
    args = Arguments()
    run_timeout = Amount("wall_timeout_ms", nothing=NO_LIMIT)
    run_cpu_time = Amount("timeout_ms", nothing=NO_LIMIT)
    run_memory_limit = Amount("memory_mb", scale=1 / _MIB, nothing=NO_LIMIT)
    compile_timeout = Number(description=_IGNORED)
    compile_cpu_time = Number(description=_IGNORED)
    compile_memory_limit = Number(description=_IGNORED)


@dataclass(frozen=True)
class Runtime:
    """A language as Piston names it. `version` is of what is installed; `installed` where a live worker has it."""

    language: Language
    name: str
    aliases: tuple[str, ...]
    version: Version
    installed: bool

    @classmethod
    def of(cls, language: Language, names: Sequence[str], available: str | None) -> "Runtime":
        """Name it; of several versions on several hosts the first counts."""
        said = (available or language.default_version).partition(",")[0]
        version = Version.coerce(said) if said[:1].isdigit() else Version("0.0.0")
        return cls(language, names[0], tuple(names[1:]), version, available is not None)

    def answers_to(self, name: str, selector: str) -> bool:
        """Say whether a client means this one."""
        try:
            return name in {self.name, *self.aliases} and self.version in NpmSpec(selector)
        except ValueError:
            return False


def runtime_json(runtime: Runtime) -> Json:
    """Give a runtime as it is listed."""
    return {"language": runtime.name, "version": str(runtime.version), "aliases": list(runtime.aliases)}


def package_json(runtime: Runtime) -> Json:
    """Give a package as it is listed."""
    return {"language": runtime.name, "language_version": str(runtime.version), "installed": runtime.installed}


def request_json(asked: Mapping[str, object], runtime: Runtime, *, timeout_ceiling_ms: int) -> Json:
    """Give our own request for theirs. Raises ValidationError."""
    sent = asked["files"]
    assert isinstance(sent, list)  # noqa: S101 - by its field
    if not sent:
        raise ValidationError({"files": [Complaint("must not be empty", "send the program as the first file")]})
    files = [_file(file, number, runtime.language) for number, file in enumerate(sent)]
    wall, cpu, memory = (asked.get(name) for name in ("run_timeout", "run_cpu_time", "run_memory_limit"))
    if cpu is None and isinstance(wall, int):
        cpu = min(wall, timeout_ceiling_ms)
    limits = {"wall_timeout_ms": wall, "timeout_ms": cpu, "memory_mb": memory}
    return {
        "language": runtime.language.name,
        "source": {"type": "files", "files": files},
        "arguments": asked.get("args", []),
        "test_cases": [{"input": {"stdin": asked.get("stdin", "")}}],
        "constraints": {name: value for name, value in limits.items() if value is not None},
        **({"entry_point": files[0]["path"]} if runtime.language.needs_entry else {}),
    }


def _file(sent: Mapping[str, str], number: int, language: Language) -> dict[str, object]:
    path = sent.get("name") or (language.main_file if number == 0 else f"file{number}.code")
    known = any(fnmatch.fnmatchcase(PurePosixPath(path).name, pattern) for pattern in language.sources)
    if number == 0 and not known:
        path += PurePosixPath(language.main_file).suffix  # `prog` is as good as `prog.c`
    return {"path": path, "content": _content(sent, number)}


def _content(sent: Mapping[str, str], number: int) -> object:
    content = sent["content"]
    match sent.get("encoding", "utf8"):
        case "base64":
            return {"base64": "".join(content.split())}
        case "hex":
            try:
                return {"base64": base64.b64encode(bytes.fromhex(content)).decode()}
            except ValueError:
                wrong = Complaint("is not hexadecimal", "write two digits for each byte")
                raise ValidationError({"files": {number: {"content": [wrong]}}}) from None
        case _:
            return content


Texts = Callable[[str], str]


def execution_json(execution: Json, runtime: Runtime, texts: Texts) -> Json:
    """Give the answer to a request from our own answer's execution."""
    compiled = runtime.language.compile is not None or execution["verdict"] == Verdict.CE
    return {
        "language": runtime.name,
        "version": str(runtime.version),
        "run": _run_json(execution, texts),
        **({"compile": _compile_json(execution, texts)} if compiled else {}),
    }


def _run_json(execution: Json, texts: Texts) -> Json:
    results = execution["test_results"]
    result = results[0] if isinstance(results, list) and results else {}
    usage = result.get("usage") or {}
    return {
        **_streams(texts("stdout"), texts("stderr")),
        **_ending(execution, result.get("exit_code"), result.get("exit_signal")),
        "message": execution["message"] or execution["reason"],
        "cpu_time": usage.get("cpu_time_ms"),
        "wall_time": usage.get("wall_time_ms"),
        "memory": usage.get("memory_bytes"),
    }


def _streams(stdout: str, stderr: str) -> Json:
    return {"stdout": stdout, "stderr": stderr, "output": stdout + stderr}


def _ending(execution: Json, code: int | None, number: int | None) -> Json:
    """Say how it ended: an exit code or a signal, and a word for what was against it."""
    verdict, reason = execution["verdict"], str(execution["reason"] or "")
    if verdict == Verdict.CE:
        return {"code": None, "signal": None, "status": None}
    if verdict in {Verdict.TLE, Verdict.MLE, Verdict.OLE}:
        status = "EL" if reason == "stderr" else _STATUS.get(Verdict(str(verdict)), "SG")
        return {"code": None, "signal": "SIGKILL", "status": status}
    if number is not None:
        return {"code": None, "signal": signal_name(number), "status": "SG"}
    return {"code": code, "signal": None, "status": "RE" if code else None}


def signal_name(number: int) -> str:
    """Name a signal; one without a name by its number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def _compile_json(execution: Json, texts: Texts) -> Json:
    ended: Json = {"code": 0, "signal": None}
    if execution["verdict"] == Verdict.CE:
        kind, _, number = str(execution["reason"]).partition(":")
        killed = {"signal": signal_name(int(number)) if kind == "signal" else "SIGKILL"}
        failed: Json = {"code": int(number) if kind == "exit" else 1, "signal": None}
        ended = {"code": None, **killed} if kind in {"signal", "cpu", "wall", "memory", "output"} else failed
    return {**_streams("", texts("compile_output")), **ended}


def error_json(status: int, error: Json) -> tuple[int, Json]:
    """Turn an error of our shape into theirs: one message, and 400 for what is wrong with a request."""
    problems = error["fields"]
    told = [_told(Problem(**each)) for each in problems] if isinstance(problems, list) else []
    return 400 if status == 422 else status, {"message": "; ".join(told[:10]) or error["message"]}


def _told(problem: Problem) -> str:
    field = problem.field.replace("].path", "].name").removesuffix(".base64")
    for ours, theirs in _OURS.items():
        if field.startswith(ours):
            field = theirs + field.removeprefix(ours)
    return ": ".join(part for part in (field, problem.message) if part) + (f" ({problem.hint})" if problem.hint else "")


class PistonRuntime(Schema):
    """A language that can be used."""

    language = fields.String(required=True)
    version = fields.String(required=True)
    aliases = fields.List(fields.String(), required=True)


class PistonPackage(Schema):
    """A language, and whether it can be used."""

    language = fields.String(required=True)
    language_version = fields.String(required=True)
    installed = fields.Boolean(required=True)


class PistonStage(Schema):
    """How compiling or running ended; where nothing was run, code and signal are both null."""

    stdout = fields.String(required=True)
    stderr = fields.String(required=True)
    output = fields.String(required=True, metadata={"description": "stdout, then stderr."})
    code = fields.Integer(required=True, allow_none=True)
    signal = fields.String(required=True, allow_none=True)
    status = fields.String(allow_none=True)
    message = fields.String(allow_none=True)
    cpu_time = fields.Integer(allow_none=True)
    wall_time = fields.Integer(allow_none=True)
    memory = fields.Integer(allow_none=True)


class PistonAnswer(Schema):
    """What became of a program."""

    language = fields.String(required=True)
    version = fields.String(required=True)
    run = fields.Nested(PistonStage, required=True)
    compile = fields.Nested(PistonStage)


class PistonError(Schema):
    """What is wrong."""

    message = fields.String(required=True)
