"""The golden packages as data: a problem, submissions in folders named by verdict, and what each must come to.

    <problem>/problem.toml                      the request without its source, and the expectations
    <problem>/submissions/<verdict>/<file>      a program of one file, sent without its name
    <problem>/submissions/<verdict>/<folder>/   a program of several files

problem.toml:
    [request]                          fields of `POST /v1/submissions`, as they are
    [languages.<name>]                 laid over the request for one language
    [verdicts.<verdict>]               expectations of all submissions in that folder
    [submissions."<verdict>/<name>"]   expectations of one
Expectations: `reason` ("null" for none; the default is the plain case of the verdict), `tests` (verdict and reason of
each test result), `shows` (a part of the answer's execution; "null" stands for null), `says` (a part of the compile
output or of the message beside it). `request` there is laid over the request.
"""

import base64
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "problem.toml"
VERDICTS = {
    "accepted": ("AC", None),
    "ok": ("OK", None),
    "wrong_answer": ("WA", "stdout"),
    "time_limit_exceeded": ("TLE", "cpu"),
    "memory_limit_exceeded": ("MLE", "memory"),
    "output_limit_exceeded": ("OLE", "stdout"),
    "run_time_error": ("RTE", ""),  # always said
    "compile_error": ("CE", "exit:1"),
}
LANGUAGES = {
    ".c": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".cxx": "cpp",
    ".go": "go",
    ".java": "java",
    ".js": "javascript",
    ".mjs": "javascript",
    ".py": "python",
    ".rs": "rust",
}
Table = dict[str, Any]


@dataclass(frozen=True)
class Golden:
    """One submission with what it must come to."""

    id: str
    body: Table
    """What is posted."""
    verdict: str
    reason: str | None
    tests: tuple[str, ...] | None = None
    shows: Table = field(default_factory=dict)
    says: str = ""


def load(folder: Path) -> list[Golden]:
    """Read all packages in a folder. Raises ValueError for an expectation without a submission or without a reason."""
    return [golden for path in sorted(folder.glob(f"*/{FILE}")) for golden in package(path.parent)]


def package(folder: Path) -> list[Golden]:
    """Read one package. Raises ValueError, OSError."""
    return list(_package(folder / FILE))


def _package(path: Path) -> Iterator[Golden]:
    package = tomllib.loads(path.read_text())
    submissions = path.parent / "submissions"
    found = sorted(submissions.glob("*/*"))
    unknown = set(package.get("submissions", {})) - {_name(program) for program in found}
    unknown |= set(package.get("verdicts", {})) - set(VERDICTS)
    if unknown:
        raise ValueError(f"{path}: no such submissions: {sorted(unknown)}")
    for program in found:
        yield _golden(path.parent.name, package, program)


def _name(program: Path) -> str:
    return f"{program.parent.name}/{program.name}"


def _golden(problem: str, package: Table, program: Path) -> Golden:
    sources = _sources(program)
    language = _language(program, list(sources))
    folder = program.parent.name
    said = _laid(_part(package, "verdicts", folder), _part(package, "submissions", _name(program)))
    body = _laid(package["request"], _part(package, "languages", language))
    body = _laid({"language": language, "source": _source(program, sources)}, body)
    verdict, usual = VERDICTS[folder]
    reason = said.get("reason", usual)
    if reason == "":
        raise ValueError(f"{problem}/{_name(program)}: say the reason in problem.toml")
    return Golden(
        id=f"{problem}/{_name(program)}",
        body=_laid(body, said.get("request", {})),
        verdict=verdict,
        reason=None if reason == "null" else reason,
        tests=tuple(said["tests"]) if "tests" in said else None,
        shows=said.get("shows", {}),
        says=said.get("says", ""),
    )


def _part(package: Table, *names: str) -> Table:
    for name in names:
        package = package.get(name, {})
    return package


def _laid(under: Any, over: Any) -> Any:
    """Lay one table over another, table by table; anything else is replaced."""
    if not (isinstance(under, Mapping) and isinstance(over, Mapping)):
        return over
    return {**under, **{key: _laid(under[key], value) if key in under else value for key, value in over.items()}}


def _sources(program: Path) -> dict[str, bytes]:
    if program.is_file():
        return {program.name: program.read_bytes()}
    files = sorted(path for path in program.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(program).as_posix(): path.read_bytes() for path in files}


def _language(program: Path, paths: list[str]) -> str:
    languages = {LANGUAGES[suffix] for suffix in map(_suffix, paths) if suffix in LANGUAGES}
    if len(languages) != 1:
        raise ValueError(f"{program}: which language is it? {sorted(languages)}")
    return languages.pop()


def _suffix(path: str) -> str:
    return Path(path).suffix


def _source(program: Path, sources: Mapping[str, bytes]) -> Table:
    if program.is_file():
        return {"type": "code", "content": _wire(sources[program.name])}
    return {"type": "files", "files": [{"path": path, "content": _wire(data)} for path, data in sources.items()]}


def _wire(data: bytes) -> object:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def differences(expected: object, actual: object, path: str = "execution") -> Iterator[str]:
    """Say where `actual` lacks a part of `expected`."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, value in expected.items():
            if key in actual:
                yield from differences(value, actual[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} is missing"
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, value in enumerate(expected):
            yield from differences(value, actual[index], f"{path}[{index}]")
    elif (None if expected == "null" else expected) != actual:
        yield f"{path} is {actual!r}, not {expected!r}"
