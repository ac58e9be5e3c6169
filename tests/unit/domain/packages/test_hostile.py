"""Packages made to cost more than they are worth, or to give more than their author may."""

import contextlib
import io
import json
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.blob_folder import FolderBlobs
from domain.errors import InvalidRequest
from domain.function import Function
from domain.judging import Judging
from domain.limits import Range, Ranges
from domain.packages import archive, expected, reading, writing
from domain.problem_limits import refuse_unfit
from domain.suite import Framework, Suite
from tests.unit.domain.packages.trees import CURRENT, HELLO, Files, read, tree, zipped


def refusal(files: Files, folder: Path) -> str:
    with pytest.raises(InvalidRequest) as caught:
        refuse_unfit(read(files, folder).version, Ranges())
    return str(caught.value)


def said(**extras: Any) -> Files:
    return {**HELLO, "shipd.json": json.dumps(extras)}


def of_case(**own: Any) -> Files:
    return said(cases={"secret/2": {"name": "secret/2", "is_hidden": True, **own}})


@pytest.mark.parametrize(
    ("files", "field"),
    [
        (said(language_constraints={"cpp": {"timeout_ms": 10**9}}), "language_constraints.cpp.timeout_ms"),
        (said(language_constraints={"cpp": {"memory_mb": -1}}), "language_constraints.cpp.memory_mb"),
        (said(language_constraints={"cpp": {"network_enabled": 1}}), "language_constraints.cpp.network_enabled"),
        (said(language_constraints={"cpp": {"surprise": 1}}), "language_constraints.cpp.surprise"),
        (said(constraints={"timeout_ms": None}), "constraints.timeout_ms"),
        (said(constraints={"file_kb": 10**9}), "constraints.file_kb"),
        (of_case(timeout_ms=2_000_000_000), "test_cases[1].timeout_ms"),
        (of_case(timeout_ms=0), "test_cases[1].timeout_ms"),
        (of_case(expected_exit_code=10**10), "exit_code"),
        (of_case(points=-5), "test_cases[1].points"),
        (of_case(points="nan"), "points"),
        (said(passes=10**9), "passes"),
        (said(passes=0), "passes"),
        (said(checker={"type": "float", "tolerance": -1}), "checker.tolerance"),
        (said(checker={"arguments": ["x" * 200_000]}), "checker.arguments"),
        (said(groups=[{"name": "a", "parent": "b"}, {"name": "b", "parent": "a"}]), "within itself"),
        (said(groups=[{"name": "a", "parent": "nobody"}]), "no group"),
        (said(groups=[{"name": "a", "points": -1}]), "test_groups[0].points"),
        ({**HELLO, "data/secret/2.args": f"{'x ' * 100_000}"}, "test_cases[1].input.arguments"),
    ],
)
def test_it_gives_no_more_than_a_request_may(files: Files, field: str, tmp_path: Path) -> None:
    assert field in refusal(files, tmp_path)


def test_it_gives_no_more_than_its_author_may(tmp_path: Path) -> None:
    version = read(of_case(timeout_ms=60_000), tmp_path).version
    refuse_unfit(version, Ranges())
    with pytest.raises(InvalidRequest, match="timeout_ms"):
        refuse_unfit(version, Ranges(timeout_ms=Range(10_000, 10, 20_000)))


def test_constants_do_not_unfold_to_more_than_there_is_memory(tmp_path: Path) -> None:
    header = f"{CURRENT}constants:\n  a: {'x' * 100_000}\n"
    files = {**HELLO, "problem.yaml": header, "statement/problem.en.md": "{{a}}" * 800_000}
    assert "bytes of texts and programs" in refusal(files, tmp_path)


def test_yaml_is_read_up_to_a_bound_of_all_files(tmp_path: Path) -> None:
    many = {f"data/secret/{n}.yaml": f"hint: {'x' * 100_000}" for n in range(20)}
    cases = {f"data/secret/{n}{end}": "1\n" for n in range(20) for end in (".in", ".ans")}
    assert "bytes of YAML" in refusal({**HELLO, **cases, **many}, tmp_path)


def test_many_large_programs_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    large = {f"submissions/accepted/{n}.py": b"#" * (4 * 1024 * 1024) for n in range(40)}
    assert "bytes of texts and programs" in refusal({**HELLO, **large}, tmp_path)


@pytest.mark.parametrize(
    "more",
    [
        {"submissions/accepted/A.java": b"\n" * 1_000_000},
        {"domjudge-problem.ini": b"\n" * 1_000_000},
        {"output_validators/v/run": b"#!/bin/sh\n" + b"$@<" * 100_000 + b" x y", "output_validators/v/v.py": b""},
        {
            "submissions/submissions.yaml": f"'{'*' * 200}b':\n  permitted: AC\n",
            "submissions/accepted/" + "a" * 200: b"",
        },
    ],
    ids=["java", "ini", "run", "glob"],
)
def test_no_text_takes_long_to_look_at(more: Files, tmp_path: Path) -> None:
    """Each of these took hours."""
    before = time.thread_time()
    with contextlib.suppress(InvalidRequest):  # as good
        read({**HELLO, **more}, tmp_path)
    assert time.thread_time() - before < 20


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("accepted", "accepted", True),
        ("acc*", "accepted", True),
        ("acc*y", "accepted/a.py", False),
        ("*/a.{py,c*}", "accepted/a.cpp", True),
        ("*/a.{py,c*}", "accepted/a.java", False),
        ("{a,b{c,d}}x", "bdx", True),
        ("{a,b", "b", True),
        ("a,b}", "a,b}", True),
        ("a.c", "abc", False),
        ("", "a", False),
    ],
)
def test_patterns_of_submissions(pattern: str, path: str, wanted: bool) -> None:
    assert bool(list(expected.matching({pattern: {}}, path))) is wanted


def broken(at: bytes, offset: int, value: int) -> io.BytesIO:
    data = bytearray(zipped(HELLO).getvalue())
    data[data.rindex(at) + offset] = value
    return io.BytesIO(bytes(data))


@pytest.mark.parametrize(
    "packed",
    [
        broken(b"PK\x01\x02", 8, 0x20),  # patched data
        broken(b"PK\x01\x02", 8, 0x40),  # strong encryption
        broken(b"PK\x01\x02", 42, 255),  # where the file begins
        broken(b"PK\x05\x06", 12, 255),  # how long the directory is: then files begin before the archive does
    ],
    ids=["patched", "encrypted", "place", "length"],
)
def test_a_damaged_zip_is_refused_whatever_is_damaged(packed: io.BytesIO, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no whole zip"), archive.opened(packed) as found:
        reading.read(found, "hello", FolderBlobs(tmp_path / "blobs"))


def test_a_link_with_a_name_that_is_no_utf8_is_refused() -> None:
    packed = zipped(HELLO)
    info = zipfile.ZipInfo("data/secret/ö")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(packed, "a") as added:
        added.writestr(info, "2.in")
    data = packed.getvalue().replace("data/secret/ö".encode(), b"data/secret/\xff\xff", 1)
    with pytest.raises(InvalidRequest, match="no whole zip"), archive.opened(io.BytesIO(data)):
        pass


@pytest.mark.parametrize(
    "judging",
    [Judging(function=Function("f", (), "int")), Judging(suite=Suite(Framework.PYTEST, ()))],
    ids=["function", "suite"],
)
def test_what_packages_cannot_say_is_not_written_as_another_problem(judging: Judging, tmp_path: Path) -> None:
    version = replace(read(HELLO, tmp_path).version, judging=judging)
    with pytest.raises(InvalidRequest, match="cannot be made"):
        writing.write(version, FolderBlobs(tmp_path / "blobs"))


def test_what_is_read_of_a_package_is_counted() -> None:
    found = tree(HELLO)
    found.spend("YAML", 10, 15)
    with pytest.raises(InvalidRequest, match="15 bytes of YAML"):
        found.spend("YAML", 6, 15)
