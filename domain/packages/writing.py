"""A version of a problem as a package of 2023-07, which is read back to the same version.

What the format has no words for stands in `shipd.json` beside problem.yaml (`extras`), and only what differs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import yaml

from domain.blobs import BlobStore
from domain.file import File
from domain.judging import Aggregation, Program, TestGroup
from domain.packages import data, expected, extras, keeping, languages, reading
from domain.packages.faults import refused
from domain.packages.header import FILE, INTERACTIVE, MULTI_PASS, SCORING
from domain.packages.reading import LIMITS, STATED
from domain.packages.scoring import UNBOUNDED
from domain.packages.statements import ATTACHMENTS, PROBLEM
from domain.packages.tree import Entry, Tree, entry
from domain.problem import Document, Example, ProblemCase, ProblemVersion
from domain.verdict import Verdict

VERSION = "2023-07-draft"
_NAME = re.compile(r"(sample|secret)(/[A-Za-z0-9_][A-Za-z0-9_.+-]{0,200}){1,7}")
_RESERVED = ("/test_group", "/testdata")
_KB_IN_MB = 1024
_BREAKS = re.compile("[\x85\u2028\u2029]")
"""Line breaks that PyYAML writes as they are and reads as others."""
_WORDS = {
    Verdict.AC: "AC",
    Verdict.WA: "WA",
    Verdict.TLE: "TLE",
    Verdict.RTE: "RTE",
    Verdict.MLE: "MLE",
    Verdict.OLE: "OLE",
    Verdict.CE: "CE",
}


def write(version: ProblemVersion, blobs: BlobStore) -> Tree:
    """Give a version as the files of a package; its data is read while they are. Raises BlobMissing.

    Raises InvalidRequest for what no package can say: read back, it would be judged as a whole program.
    """
    if version.judging.function is not None or version.judging.suite is not None:
        what = "calls a function" if version.judging.function is not None else "has unit tests"
        hint = "packages have no words for that: read it at /v1/problems/ID/versions/N?reveal=true"
        raise refused("", f"cannot be made of a problem that {what}", hint)
    names = _names(version.test_cases)
    plain = list(_plain(version, names, blobs))
    read_back = reading.read(_tree(plain), version.id, blobs).version
    more = extras.differences(read_back, version, names)
    return _tree([*plain, *([entry(extras.FILE, more)] if more else [])])


def _tree(entries: Sequence[Entry]) -> Tree:
    return Tree.of(iter(entries))


def _plain(version: ProblemVersion, names: Sequence[str], blobs: BlobStore) -> Iterator[Entry]:
    yield entry(FILE, _yaml(_header(version)))
    yield from _statements(version, blobs)
    yield from _documents(ATTACHMENTS, version.attachments, blobs)
    for name, case in zip(names, version.test_cases, strict=True):
        yield from _case(version, f"{data.ROOT}/{name}", case, blobs)
    for group in version.judging.groups:
        if _NAME.fullmatch(f"{group.name}/x") and group.name.startswith(data.SECRET):
            yield entry(f"{data.ROOT}/{group.name}/{data.SETTINGS[0]}", _yaml({"scoring": _scoring(group)}))
    if (judge := _judge(version)) is not None:
        yield from _program("output_validator/validator", judge.sources)
    for number, validator in enumerate(version.input_validators, 1):
        yield from _program(f"input_validators/validator{number}", validator.sources)
    for language, files in version.included.items():
        yield from _program(f"include/{languages.codes(language) if language else 'default'}", files)
    yield from _examples(version.examples)


def _header(version: ProblemVersion) -> dict[str, object]:
    metadata = {key: value for key, value in version.metadata.items() if key not in {LIMITS, STATED}}
    names = {one.language: one.title for one in version.statements}
    said: dict[str, object] = {
        "problem_format_version": VERSION,
        "type": _types(version),
        "name": {**names, "en": version.title} if len(names) > 1 or set(names) - {"en"} else version.title,
        **metadata,
        "limits": _limits(version),
    }
    if version.languages:
        said["languages"] = [languages.codes(language) for language in version.languages]
    return said


def _types(version: ProblemVersion) -> list[str]:
    judging = version.judging
    found = [SCORING if judging.groups or any(case.points is not None for case in version.test_cases) else "pass-fail"]
    found.extend([INTERACTIVE] if judging.interactor is not None else [])
    return [*found, *([MULTI_PASS] if judging.passes > 1 else [])]


def _limits(version: ProblemVersion) -> dict[str, object]:
    spent, rest = version.constraints, version.metadata.get(LIMITS)
    limits: dict[str, object] = dict(rest) if isinstance(rest, Mapping) else {}
    if version.metadata.get(STATED) is not False:
        limits["time_limit"] = spent.timeout_ms / 1000
    limits |= {"memory": spent.memory_mb, "output": spent.output_kb / _KB_IN_MB}
    return limits | ({"validation_passes": version.judging.passes} if version.judging.passes > 1 else {})


def _judge(version: ProblemVersion) -> Program | None:
    interactor = version.judging.interactor
    return interactor.program if interactor is not None else version.checker.program


def _names(cases: Sequence[ProblemCase]) -> list[str]:
    """Give each test case a place below `data`: its own name where all have one that is read in this order."""
    own = [case.name for case in cases]
    fit = all(_NAME.fullmatch(name) and not name.endswith(_RESERVED) for name in own)
    if fit and own == sorted(own, key=lambda name: name.split("/")) and len(set(own)) == len(own):
        return own
    return [f"{data.SECRET}/{number:05}" for number in range(1, len(own) + 1)]


def _case(version: ProblemVersion, path: str, case: ProblemCase, blobs: BlobStore) -> Iterator[Entry]:
    yield _kept(f"{path}.in", case, "stdin", blobs)
    # Every test case of the format has an answer: where nothing is compared, `extras` says so.
    nothing = entry(f"{path}.ans", b"")
    yield nothing if case.expected_stdout is None else _kept(f"{path}.ans", case, "expected_stdout", blobs)
    yield from _documents(f"{path}.files", case.files, blobs)
    yield from _documents(f"{path}{data.EXPECTED}", case.expected_files, blobs)
    said = {
        "args": list(case.arguments),
        "output_validator_args": list(case.checker_arguments),
        "input_validator_args": list(version.validator_arguments.get(case.name, ())),
        "description": case.description,
    }
    told = {key: value for key, value in said.items() if value}
    if told:
        yield entry(f"{path}.yaml", _yaml(told))


def _kept(path: str, case: ProblemCase, name: str, blobs: BlobStore) -> Entry:
    payload = getattr(case, name)
    return keeping.entry(path, payload, keeping.size(payload, blobs), blobs)


def _scoring(group: TestGroup) -> dict[str, object]:
    said: dict[str, object] = {"score": UNBOUNDED if group.points is None else group.points}
    said["aggregation"] = Aggregation(group.aggregation).value
    return said | ({"require_pass": list(group.requires)} if group.requires else {})


def _statements(version: ProblemVersion, blobs: BlobStore) -> Iterator[Entry]:
    shown: dict[str, Document] = {}
    for one in version.statements:
        match = PROBLEM.fullmatch(one.content.path)
        suffix = PurePosixPath(one.content.path).suffix or ".md"
        name = one.content.path if match and (match[1] or "en") == one.language else f"problem.{one.language}{suffix}"
        yield keeping.entry(f"statement/{name}", one.content.content, one.content.size_bytes, blobs)
        shown |= {file.path: file for file in one.files}
    yield from _documents("statement", list(shown.values()), blobs)


def _documents(folder: str, documents: Sequence[Document], blobs: BlobStore) -> Iterator[Entry]:
    for one in documents:
        yield keeping.entry(f"{folder}/{one.path}", one.content, one.size_bytes, blobs, one.mode)


def _program(folder: str, files: Sequence[File]) -> Iterator[Entry]:
    for file in files:
        yield entry(f"{folder}/{file.path}", file.content, file.mode)


def _examples(examples: Sequence[Example]) -> Iterator[Entry]:
    settings: dict[str, object] = {}
    for example in examples:
        path, sources = f"submissions/{example.path}", example.program.sources
        alone = languages.named([File(PurePosixPath(path).name, file.content, file.mode) for file in sources[:1]])
        if len(sources) == 1 and alone == sources and PurePosixPath(path).suffix in languages.SUFFIXES:
            yield entry(path, sources[0].content, sources[0].mode)
        else:
            yield from _program(path, sources)
        settings[example.path] = _expected(example)
    if settings:
        yield entry(expected.FILE, _yaml(settings))


def _expected(example: Example) -> dict[str, object]:
    said: dict[str, object] = {"language": languages.codes(example.program.language)}
    if example.program.entry_point is not None:
        said["entrypoint"] = example.program.entry_point
    wanted = [_WORDS[verdict] for verdict in example.expected if verdict in _WORDS]
    if wanted:
        said["permitted"] = list(dict.fromkeys(["AC", *wanted]))
        said["required"] = wanted
    if example.points is not None:
        said["score"] = list(example.points)
    return said


def _yaml(value: object) -> bytes:
    written = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=1000)
    if _BREAKS.search(written):
        written = yaml.safe_dump(value, sort_keys=False, width=1000)
    return written.encode()
