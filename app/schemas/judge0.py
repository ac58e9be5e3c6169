"""Our answers as Judge0's. Which status is which verdict: `docs/compat.md`."""

import base64
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from app.schemas.judge0_request import DEFAULT_FIELDS, FIELDS, MAX_BATCH
from app.schemas.response import Json
from domain.errors import InvalidRequest, Problem
from domain.limits import Ranges
from domain.verdict import State, Verdict

STATUSES = MappingProxyType(
    {
        1: "In Queue",
        2: "Processing",
        3: "Accepted",
        4: "Wrong Answer",
        5: "Time Limit Exceeded",
        6: "Compilation Error",
        7: "Runtime Error (SIGSEGV)",
        8: "Runtime Error (SIGXFSZ)",
        9: "Runtime Error (SIGFPE)",
        10: "Runtime Error (SIGABRT)",
        11: "Runtime Error (NZEC)",
        12: "Runtime Error (Other)",
        13: "Internal Error",
        14: "Exec Format Error",
    }
)
_OF_VERDICT = {
    Verdict.AC: 3,
    Verdict.OK: 3,
    Verdict.WA: 4,
    Verdict.TLE: 5,
    Verdict.CE: 6,
    Verdict.OLE: 8,
    Verdict.MLE: 12,
    Verdict.RTE: 12,
    Verdict.JE: 13,
}
_OF_REASON = {"signal:11": 7, "signal:25": 8, "signal:8": 9, "signal:6": 10}
"""Of runtime errors; every `exit:N` is 11, and what else there is stays 12."""

TEXTS = ("stdout", "stderr", "compile_output", "message")
"""What `base64_encoded` is about."""
_NOT_TEXT = "a text is not UTF-8 and cannot be told as it is"


def status_id(state: str, verdict: str | None, reason: str | None) -> int:
    """Give the status for a state, a verdict and a reason of ours."""
    if state == State.QUEUED:
        return 1
    if verdict is None:
        return 13 if State(state).final else 2
    if verdict == Verdict.RTE and reason is not None:
        return 11 if reason.startswith("exit:") else _OF_REASON.get(reason, 12)
    return _OF_VERDICT[Verdict(verdict)]


def chosen_fields(asked: Sequence[str]) -> Sequence[str]:
    """Say which fields are asked for."""
    return FIELDS if "*" in asked else asked or DEFAULT_FIELDS


Texts = Callable[[str], bytes | None]


def submission_json(own: Json, texts: Texts, language: Json, chosen: Sequence[str], *, encoded: bool) -> Json:
    """Give the fields of one submission from our own answer. Raises InvalidRequest where a text is not UTF-8."""
    told: Json = {}
    for name in chosen:
        told[name] = _text(texts(name), encoded=encoded) if name in TEXTS else _PLAIN[name](own, language)
    return told


def _text(value: bytes | None, *, encoded: bool) -> str | None:
    if not value:
        return None
    if encoded:
        return base64.b64encode(value).decode()
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(Problem("base64_encoded", _NOT_TEXT, "ask with base64_encoded=true")) from None


def message(own: Json) -> str | None:
    """Say more than the status does."""
    execution = _part(own, "execution")
    if execution["verdict"] in {None, Verdict.AC, Verdict.OK}:
        return str(execution["state"]) if execution["state"] == State.CANCELLED else None
    return str(execution["message"] or execution["reason"] or execution["verdict"])


def _status(own: Json, _language: Json) -> Json:
    number = _status_id(own, _language)
    return {"id": number, "description": STATUSES[number]}


def _status_id(own: Json, _language: Json) -> int:
    execution = _part(own, "execution")
    verdict, reason = execution["verdict"], execution["reason"]
    return status_id(str(execution["state"]), verdict and str(verdict), reason and str(reason))  # type: ignore[arg-type]


def _used(name: str, unit: Callable[[int], object]) -> Callable[[Json, Json], object]:
    def of(own: Json, _language: Json) -> object:
        value = (_part(own, "execution")["usage"] or {}).get(name)  # type: ignore[attr-defined]
        return None if value is None else unit(value)

    return of


def _limit(name: str, unit: Callable[[int], object]) -> Callable[[Json, Json], object]:
    return lambda own, _language: unit(_part(own, "constraints")[name])  # type: ignore[arg-type]


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _of_result(name: str) -> Callable[[Json, Json], object]:
    """Give a field of the only result; of several, and of a hidden one, there is none."""

    def of(own: Json, _language: Json) -> object:
        results = _part(own, "execution")["test_results"]
        return results[0].get(name) if isinstance(results, list) and len(results) == 1 else None

    return of


def _part(own: Json, name: str) -> Json:
    part = own[name]
    assert isinstance(part, dict)  # noqa: S101 - of our own answer
    return part


def _constant(value: object) -> Callable[[Json, Json], object]:
    return lambda _own, _language: value


_PLAIN: Mapping[str, Callable[[Json, Json], object]] = {
    "token": lambda own, _language: own["id"],
    "time": _used("cpu_time_ms", _seconds),
    "wall_time": _used("wall_time_ms", _seconds),
    "memory": _used("memory_bytes", lambda size: size // 1024),
    "status": _status,
    "status_id": _status_id,
    "exit_code": _of_result("exit_code"),
    "exit_signal": _of_result("exit_signal"),
    "created_at": lambda own, _language: own["created_at"],
    "finished_at": lambda own, _language: _part(own, "execution")["finished_at"],
    "language": lambda _own, language: language,
    "language_id": lambda _own, language: language["id"],
    "cpu_time_limit": _limit("timeout_ms", _seconds),
    "wall_time_limit": _limit("wall_timeout_ms", _seconds),
    "memory_limit": _limit("memory_mb", lambda size: size * 1024),
    "max_processes_and_or_threads": _limit("processes", int),
    "max_file_size": _limit("output_kb", int),
    "enable_network": _limit("network_enabled", bool),
    "number_of_runs": _constant(1),
}
"""All fields but texts, each made of our own answer and the language as it is listed."""


def language_json(number: int, title: str, version: str | None) -> Json:
    """Give a language as it is listed."""
    return {"id": number, "name": f"{title} ({version})" if version else title}


def config_json(ranges: Ranges, *, network: bool) -> Json:
    """Give what this deployment takes, in their units and by their names."""
    wall = ranges.timeout_ms.default or ranges.timeout_ms.ceiling
    processes, output, memory = ranges.processes, ranges.output_kb, ranges.memory_mb
    return {
        **dict.fromkeys(_OFFERED, True),
        **dict.fromkeys(_NOT_OFFERED, False),
        "allow_enable_network": network,
        "allowed_languages_for_compile_options": [],
        "callbacks_max_tries": 0,
        "callbacks_timeout": 0,
        "cpu_extra_time": 0,
        "max_cpu_extra_time": 0,
        "cpu_time_limit": wall / 1000,
        "max_cpu_time_limit": ranges.timeout_ms.ceiling / 1000,
        "wall_time_limit": (2 * wall + 1000) / 1000,
        "max_wall_time_limit": ranges.wall_timeout_ms.ceiling / 1000,
        "memory_limit": (memory.default or memory.ceiling) * 1024,
        "max_memory_limit": memory.ceiling * 1024,
        "stack_limit": (memory.default or memory.ceiling) * 1024,
        "max_stack_limit": memory.ceiling * 1024,
        "max_processes_and_or_threads": processes.default,
        "max_max_processes_and_or_threads": processes.ceiling,
        "max_file_size": output.default,
        "max_max_file_size": output.ceiling,
        "max_extract_size": 0,
        "number_of_runs": 1,
        "max_number_of_runs": 1,
        "max_queue_size": 2**31 - 1,
        "max_submission_batch_size": MAX_BATCH,
        "submission_cache_duration": 0,
    }


_OFFERED = ("enable_wait_result", "enable_command_line_arguments", "enable_batched_submissions")
_NOT_OFFERED = (
    "maintenance_mode",
    "enable_compiler_options",
    "enable_submission_delete",
    "enable_callbacks",
    "enable_additional_files",
    "enable_network",
    "enable_per_process_and_thread_time_limit",
    "enable_per_process_and_thread_memory_limit",
    "allow_enable_per_process_and_thread_time_limit",
    "allow_enable_per_process_and_thread_memory_limit",
    "redirect_stderr_to_stdout",
    "use_docs_as_homepage",
)
