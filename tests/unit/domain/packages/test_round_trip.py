"""A version that is written as a package and read back is the same version."""

import io
import tempfile
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain.blob_folder import FolderBlobs
from domain.blobs import BlobStore
from domain.file import File
from domain.judging import Aggregation, Checker, CheckerType, Interactor, Judging, Program, Protocol, TestGroup
from domain.limits import Constraints
from domain.packages import archive, extras, folder, reading, writing
from domain.payload import INLINE_BYTES, Payload
from domain.problem import Document, Example, ProblemCase, ProblemVersion, Statement
from domain.verdict import Verdict
from tests.unit.domain.packages.trees import CURRENT, HELLO, VALIDATOR, Files, read

NAMES = st.from_regex(r"[a-z0-9_][a-z0-9_-]{0,6}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0")
WORDS = st.lists(st.text(LETTERS, max_size=8), max_size=3).map(tuple)


def inline(data: bytes) -> Payload:
    return Payload(inline=data)


def document(path: str, data: bytes) -> Document:
    return Document(path, inline(data), len(data))


@st.composite
def groups(draw: st.DrawFn) -> tuple[TestGroup, ...]:
    names = draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True, min_size=1))
    whole = TestGroup("whole", None, draw(st.sampled_from(Aggregation)), draw(st.none() | st.floats(0, 100)))
    inner = [
        TestGroup(
            name,
            "whole",
            draw(st.sampled_from(Aggregation)),
            draw(st.none() | st.floats(0, 100)),
            (),
            draw(st.booleans()),
        )
        for name in sorted(names)
    ]
    return (whole, *inner)


@st.composite
def problem_cases(draw: st.DrawFn, grouped: tuple[TestGroup, ...]) -> tuple[ProblemCase, ...]:
    names = draw(st.lists(TEXTS | NAMES.map(lambda name: f"secret/{name}"), min_size=1, max_size=5, unique=True))
    return tuple(
        ProblemCase(
            number,
            name,
            inline(draw(st.binary(max_size=20))),
            draw(st.none() | st.binary(max_size=20).map(inline)),
            files=tuple(document(path, b"x") for path in draw(st.lists(NAMES, max_size=2, unique=True).map(sorted))),
            arguments=draw(WORDS),
            checker_arguments=(),
            is_hidden=draw(st.booleans()),
            points=draw(st.none() | st.floats(0, 100)) if grouped else None,
            group=draw(st.sampled_from([group.name for group in grouped])) if grouped else None,
            timeout_ms=draw(st.none() | st.integers(10, 9000)),
        )
        for number, name in enumerate(names)
    )


PROGRAMS = st.sampled_from(
    [
        Program("python", (File("v.py", b"print()"),), "v.py"),
        Program("cpp@17", (File("a.cc", b"int main() {}"), File("a.h", b"//"))),
        Program("java", (File("Main.java", b"public class Main {}"),)),
        Program("python", (File("lib/x.py", b"x"), File("main.py", b"y")), "main.py"),
    ]
)
CHECKERS = st.sampled_from([Checker(kind, 1e-3) for kind in CheckerType if kind is not CheckerType.PROGRAM])
CONSTRAINTS = st.builds(
    Constraints,
    timeout_ms=st.integers(10, 300_000),
    wall_timeout_ms=st.none() | st.integers(10, 605_000),
    memory_mb=st.integers(4, 8192),
    cpu_millicores=st.integers(50, 4000),
    output_kb=st.integers(1, 65_536),
    processes=st.integers(1, 512),
)
EXAMPLES = st.builds(
    Example,
    path=st.sampled_from(["accepted/v.py", "mixed/x", "wrong_answer/deep.v"]),
    program=PROGRAMS,
    expected=st.sets(st.sampled_from([Verdict.AC, Verdict.WA, Verdict.TLE, Verdict.CE])).map(
        lambda found: tuple(one for one in Verdict if one in found)
    ),
    points=st.none() | st.tuples(st.floats(0, 10), st.floats(10, 20)),
)


@st.composite
def versions(draw: st.DrawFn) -> ProblemVersion:
    grouped = draw(st.just(()) | groups())
    checker = draw(CHECKERS)
    program = draw(st.none() | PROGRAMS)
    interactor = Interactor(program, draw(st.sampled_from(Protocol))) if program and draw(st.booleans()) else None
    if program is not None and interactor is None:
        checker = Checker(CheckerType.PROGRAM, program=program, protocol=draw(st.sampled_from(Protocol)))
    judging = Judging(
        checker.program,
        checker.protocol,
        interactor=interactor,
        passes=draw(st.integers(1, 5)) if program else 1,
        groups=grouped,
    )
    cases = draw(problem_cases(grouped))
    title = draw(TEXTS)
    return ProblemVersion(
        "hello",
        title,
        cases,
        checker=checker,
        judging=judging,
        constraints=draw(CONSTRAINTS),
        language_constraints=draw(st.just({}) | st.just({"java": {"timeout_ms": 4000}})),
        languages=draw(st.just(()) | st.just(("cpp", "python"))),
        statements=draw(st.just(()) | st.just((Statement("en", title, document("problem.en.md", b"# Hi")),))),
        attachments=draw(st.just(()) | st.just((document("a/tool.py", b"x"),))),
        outputs=draw(st.just(()) | st.just(("out/*.png",))),
        stop_on_first_failure=draw(st.booleans()),
        input_validators=draw(st.just(()) | PROGRAMS.map(lambda one: (one,))),
        included=draw(st.just({}) | st.just({"": (File("d", b"x"),), "cpp": (File("m.h", b"y"),)})),
        examples=tuple(
            sorted(draw(st.lists(EXAMPLES, max_size=3, unique_by=lambda one: one.path)), key=lambda one: one.path)
        ),
        metadata=draw(st.just({}) | st.just({"license": "cc0", "keywords": ["a", "b"], "limits": {"code": "64"}})),
    )


def there_and_back(version: ProblemVersion, blobs: BlobStore) -> ProblemVersion:
    packed = io.BytesIO()
    folder.pack(writing.write(version, blobs), packed)
    with archive.opened(packed) as tree:
        return reading.read(tree, version.id, blobs).version


def assert_same(found: ProblemVersion, wanted: ProblemVersion) -> None:
    different = {
        one.name: (getattr(found, one.name), getattr(wanted, one.name))
        for one in fields(ProblemVersion)
        if getattr(found, one.name) != getattr(wanted, one.name)
    }
    assert different == {}


# What fails is small enough to be read, and shrinking it takes minutes.
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(versions())
def test_any_version_comes_back_the_same(version: ProblemVersion) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        assert_same(there_and_back(version, FolderBlobs(Path(scratch))), version)


SCORED = {
    f"data/{name}{suffix}": "1" for name in ("sample/1", "secret/a/1", "secret/b/x/1") for suffix in (".in", ".ans")
}
PACKAGES: dict[str, Files] = {
    "smallest": HELLO,
    "flags": {**HELLO, "problem.yaml": "validator_flags: float_tolerance 1e-6\nname: x"},
    "custom": {
        **HELLO,
        "problem.yaml": "validation: custom\nname: 'yes'\nlimits: {memory: 512, time_limit: 2.5}\nlicense: cc0\n",
        "output_validators/v/validate.cc": '#include "validate.h"',
        "output_validators/v/validate.h": "//",
        "input_format_validators/a.py": VALIDATOR,
        "data/secret/testdata.yaml": "input_validator_flags: --max 7\noutput_validator_flags: '\"a b\"'",
        "submissions/wrong_answer/x/a.py": "x",
        "submissions/wrong_answer/x/main.py": "y",
        "submissions/mixed/y.java": "// @EXPECTED_RESULTS@: CORRECT, RUN-ERROR\npublic class Main {}",
    },
    "interactive": {
        **HELLO,
        "problem.yaml": CURRENT + "type: [interactive, multi-pass]\nlimits: {validation_passes: 4}",
        "output_validator/v.py": VALIDATOR,
    },
    "scoring": {
        "problem.yaml": CURRENT + "type: scoring",
        **SCORED,
        "data/secret/a/test_group.yaml": "scoring: {score: 40, aggregation: sum}",
        "data/secret/b/test_group.yaml": "scoring: {require_pass: [sample, secret/a]}",
        "submissions/partially_accepted/x.py": "x",
    },
    "scoring of old": {
        "problem.yaml": "type: scoring\nname: x",
        **SCORED,
        "data/testdata.yaml": "grader_flags: ignore_sample",
        "data/secret/testdata.yaml": "grader_flags: always_accept\non_reject: continue",
        "data/secret/a/testdata.yaml": "accept_score: 7\ngrader_flags: min",
    },
    "texts": {
        **HELLO,
        "problem.yaml": CURRENT.replace("Hello", "{en: Hello, sv: Hej}")
        + "constants: {n: 5}\nlanguages: [cpp, java]\n",
        "statement/problem.en.tex": "\\constant{n}",
        "statement/problem.sv.md": "{{n}}",
        "statement/cave.png": b"\x89PNG",
        "attachments/tool.py": "x",
        "include/default/d": "x",
        "include/cpp/main.cpp": "y",
        "data/secret/2.files/f.txt": "z",
        "data/secret/2.yaml": "args: [a]\ndescription: d",
    },
    "large": {**HELLO, "data/secret/3.in": b"x" * (INLINE_BYTES + 1), "data/secret/3.ans": "1"},
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_that_was_read_comes_back_the_same(name: str, tmp_path: Path) -> None:
    version = read(PACKAGES[name], tmp_path).version
    assert_same(there_and_back(version, FolderBlobs(tmp_path / "blobs")), version)


@pytest.mark.parametrize("name", sorted(set(PACKAGES) - {"scoring of old"}))
def test_what_came_from_a_package_needs_no_words_of_ours(name: str, tmp_path: Path) -> None:
    version = read(PACKAGES[name], tmp_path).version
    assert extras.FILE not in writing.write(version, FolderBlobs(tmp_path / "blobs"))


def test_test_data_is_not_read_to_be_written(tmp_path: Path) -> None:
    version = read(PACKAGES["large"], tmp_path).version
    blobs = FolderBlobs(tmp_path / "blobs")
    stored = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    found = writing.write(version, blobs)
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == stored
    assert found.entry("data/secret/3.in").payload == version.test_cases[-1].stdin
