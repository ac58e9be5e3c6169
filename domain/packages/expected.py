"""What an example submission must come to: by its folder, by submissions.yaml, or by a word of its own.

The format knows four verdicts: what exceeds memory or output there is a run-time error.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from domain.packages import yaml_files
from domain.packages.report import Report
from domain.packages.yaml_files import Table, table, texts
from domain.verdict import Verdict

FILE = "submissions/submissions.yaml"
_CRASHED = (Verdict.RTE, Verdict.MLE, Verdict.OLE)
WORDS: Mapping[str, tuple[Verdict, ...]] = {
    **dict.fromkeys(("AC", "CORRECT", "ACCEPTED"), (Verdict.AC,)),
    **dict.fromkeys(("WA", "WRONG-ANSWER", "NO-OUTPUT", "PRESENTATION-ERROR"), (Verdict.WA,)),
    **dict.fromkeys(("TLE", "TIMELIMIT", "TIME-LIMIT", "TIME-LIMIT-EXCEEDED"), (Verdict.TLE,)),
    **dict.fromkeys(("RTE", "RUN-ERROR", "RUN-TIME-ERROR", "RUNTIME-ERROR"), _CRASHED),
    **dict.fromkeys(("MLE", "MEMORY-LIMIT", "MEMORY-LIMIT-EXCEEDED"), (Verdict.MLE,)),
    **dict.fromkeys(("OLE", "OUTPUT-LIMIT", "OUTPUT-LIMIT-EXCEEDED"), (Verdict.OLE,)),
    **dict.fromkeys(("CE", "COMPILER-ERROR", "COMPILE-ERROR"), (Verdict.CE,)),
}
_FAILED = (Verdict.WA, Verdict.TLE, *_CRASHED)
FOLDERS: Mapping[str, tuple[Verdict, ...]] = {
    "accepted": (Verdict.AC,),
    "wrong_answer": (Verdict.WA,),
    "time_limit_exceeded": (Verdict.TLE,),
    "run_time_error": _CRASHED,
    "rejected": _FAILED,
    "brute_force": (Verdict.TLE, *_CRASHED),
    "compile_error": (Verdict.CE,),
    "compiler_error": (Verdict.CE,),
    "memory_limit_exceeded": (Verdict.MLE,),
    "output_limit_exceeded": (Verdict.OLE,),
    "slow_accepted": (Verdict.AC, Verdict.TLE),
}
"""Folders that are not here, `mixed` among them, expect nothing by themselves."""
PARTIAL = "partially_accepted"
MAX_PATTERN_CHARS = 500
MOST_PATTERNS = 1000
NOT_ALL = 1 - 1e-6
"""The most of the points of something that is not worth all of them."""
_TAG = re.compile(rb"@EXPECTED_(RESULTS|SCORE)@\s*:\s*([^\r\n*]+)")
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]+")
_KEYS = {"language", "entrypoint", "authors", "author", "model_solution", "permitted", "required", "score"}
_UNCHECKED = {"message", "use_for_time_limit"}


@dataclass(frozen=True)
class Expected:
    """What is expected of a submission; empty: anything."""

    verdicts: tuple[Verdict, ...] = ()
    points: tuple[float, float] | None = None


def by_folder(path: str, most: float | None) -> Expected:
    """Say what a submission's folder expects; `most` is what the whole problem is worth."""
    folder = path.partition("/")[0].replace("-", "_")
    if folder == PARTIAL:
        return Expected((), (0.0, most * NOT_ALL) if most else None)
    return Expected(ordered(FOLDERS.get(folder, ())))


def by_tag(contents: Iterable[bytes]) -> Expected | None:
    """Say what a submission's own words expect; None where there are none."""
    tags = [(match[1], match[2].decode(errors="replace")) for data in contents if (match := _TAG.search(data))]
    if not tags:
        return None
    verdicts: list[Verdict] = []
    points: tuple[float, float] | None = None
    for _, words in tags:
        number = _number(words)
        points = (number, number) if number is not None else points
        for word in _WORD.findall(words):
            verdicts.extend(WORDS.get(word.upper().replace("_", "-"), ()))
    return Expected(ordered(verdicts), points)


def uncompiled(wanted: Expected) -> Expected:
    """Say what is expected in a language that is not compiled here: what does not compile there ends when it starts."""
    if Verdict.CE not in wanted.verdicts:
        return wanted
    return Expected(ordered((*wanted.verdicts, Verdict.RTE)), wanted.points)


def by_settings(settings: Table, usual: Expected, where: str, report: Report) -> Expected:
    """Lay what submissions.yaml says over what is expected without it. Raises InvalidRequest."""
    inner = {key for key, value in settings.items() if isinstance(value, dict)}
    report.skip_keys(where, set(settings) - _KEYS - _UNCHECKED - inner)
    if inner:
        report.skip(where, f"what is said of {', '.join(sorted(inner))} alone is not looked at")
    if "message" in settings:
        report.skip(f"{where}: message", "messages for the judges are not looked at")
    points = _score(settings.get("score"), where) or usual.points
    if "permitted" not in settings and "required" not in settings:
        return Expected(usual.verdicts, points)
    permitted, required = _verdicts(settings.get("permitted")), _verdicts(settings.get("required"))
    allowed = permitted or (*FOLDERS["accepted"], *_FAILED)
    if required and Verdict.AC not in required:
        allowed = tuple(each for each in allowed if each is not Verdict.AC and (permitted or each in required))
    return Expected(ordered(allowed) if permitted or required else (), points)


def ordered(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Give verdicts once each, in the order of all."""
    found = set(verdicts)
    return tuple(verdict for verdict in Verdict if verdict in found)


def matching(settings: Table, path: str) -> Iterator[tuple[str, Table]]:
    """Give the patterns that match a submission or a folder above it, with what they say, in order."""
    above = [path, *(str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")]
    for pattern, said in settings.items():
        if any(_matches(pattern, each) for each in above):
            yield pattern, table(said)


def _matches(pattern: str, path: str) -> bool:
    """Match a glob whose `*` stays within a name, and which has alternatives in braces; in linear time."""
    return len(path) in _ends(iter(re.split(r"([*{},])", pattern[:MAX_PATTERN_CHARS])), path, {0})


def _ends(parts: Iterator[str], path: str, starts: set[int], *, inner: bool = False) -> set[int]:
    """Give the places up to which parts match, up to the closing brace; `starts` are those from which they may."""
    found: set[int] = set()
    at = starts
    for part in parts:
        if part == "{":
            at = _ends(parts, path, at, inner=True)
        elif part == "}" and inner:
            break
        elif part == "," and inner:
            found, at = found | at, starts
        elif part == "*":
            at = _within_names(path, at)
        elif part:
            at = {start + len(part) for start in at if path.startswith(part, start)}
    return found | at


def _within_names(path: str, starts: set[int]) -> set[int]:
    """Give the places that are in the same name as one of these, at it or behind it."""
    found: set[int] = set()
    for start in sorted(starts):
        if start not in found:
            end = path.find("/", start)
            found.update(range(start, (len(path) if end < 0 else end) + 1))
    return found


def _verdicts(value: object) -> tuple[Verdict, ...]:
    words = [word for each in texts(value) for word in _WORD.findall(each)]
    return tuple(verdict for word in words for verdict in WORDS.get(word.upper().replace("_", "-"), ()))


def _score(value: object, where: str) -> tuple[float, float] | None:
    found = [yaml_files.number(each, f"{where}: score") for each in (value if isinstance(value, list) else [value])]
    numbers = [each for each in found if each is not None]
    return (numbers[0], numbers[-1]) if numbers else None


def _number(words: str) -> float | None:
    try:
        return float(words.strip())
    except ValueError:
        return None
