"""What decides a run is in its key, part by part; and what does not is not."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from domain.limits import Constraints
from domain.model import Cache, Checker, CheckerType, Expectation, File, Priority, Submission, TestCase
from tests.unit.workers.making import HELLO, LANGUAGES, OWNER, asking, claimed
from workers import execution_key
from workers.compile import Compiled
from workers.prepare import plan

PLATFORM = {"nsjail": "3.6", "own": "ab", "toolchain": "3.11"}
CASE = TestCase(
    0,
    "one",
    stdin=b"1 2",
    files=(File("in.txt", b"x"),),
    arguments=("-v",),
    expected=Expectation(b"3", (File("out.txt", b"y"),), 0),
)
ASKED = asking(test_cases=(CASE,), outputs=("*.png",), arguments=("a",), cache=Cache.EXECUTION)


def key(
    asked: Submission = ASKED,
    *,
    owner: UUID = OWNER,
    compiled: Compiled | None = None,
    seed: int | None = None,
    platform: Mapping[str, str] = PLATFORM,
) -> bytes:
    made = plan(LANGUAGES, asked)
    made = made if seed is None else replace(made, seed=seed)
    program = compiled or Compiled(asked.sources)
    common = execution_key.base(claimed(asked, owner=owner), made, program, platform)
    return execution_key.of_case(common, made, program, asked.test_cases[0])


def of_case(**more: object) -> Submission:
    return replace(ASKED, test_cases=(replace(CASE, **more),))  # type: ignore[arg-type]


def expecting(**more: object) -> Submission:
    return of_case(expected=replace(CASE.expected, **more))  # type: ignore[arg-type]


OTHERS = {
    "content": replace(ASKED, sources=(replace(HELLO[0], content=b"print()"),)),
    "path": replace(ASKED, sources=(replace(HELLO[0], path="a.py"),)),
    "mode": replace(ASKED, sources=(replace(HELLO[0], mode=0o755),)),
    "one more source": replace(ASKED, sources=(*HELLO, File("data", b"")), entry_point="main.py"),
    "entry point": replace(ASKED, sources=(*HELLO, File("b.py", b"")), entry_point="b.py"),
    "user": replace(ASKED, user_id="somebody"),
    "user called None": replace(ASKED, user_id="None"),
    "arguments": replace(ASKED, arguments=("a", "b")),
    "arguments, elsewhere": replace(of_case(arguments=()), arguments=("a-v",)),
    "stdin": of_case(stdin=b"1 2\n"),
    "input file": of_case(files=(File("in.txt", b"z"),)),
    "input file's name": of_case(files=(File("in2.txt", b"x"),)),
    "no input file": of_case(files=()),
    "case's arguments": of_case(arguments=()),
    "case's limit": of_case(timeout_ms=9999),
    "hidden": of_case(is_hidden=True),
    "expected": expecting(stdout=b"4"),
    "expected nothing": expecting(stdout=b""),
    "nothing expected": expecting(stdout=None),
    "expected file": expecting(files=(File("out.txt", b"z"),)),
    "no expected file": expecting(files=()),
    "expected code": expecting(exit_code=1),
    "no expected code": expecting(exit_code=None),
    "checker": replace(ASKED, checker=Checker(CheckerType.EXACT)),
    "float": replace(ASKED, checker=Checker(CheckerType.FLOAT)),
    "tolerance": replace(ASKED, checker=Checker(CheckerType.FLOAT, 1e-3)),
    "outputs": replace(ASKED, outputs=("*.txt",)),
    "timeout": replace(ASKED, constraints=Constraints(timeout_ms=1)),
    "wall": replace(ASKED, constraints=Constraints(wall_timeout_ms=1)),
    "memory": replace(ASKED, constraints=Constraints(memory_mb=512)),
    "cpu": replace(ASKED, constraints=Constraints(cpu_millicores=500)),
    "disk": replace(ASKED, constraints=Constraints(disk_mb=5)),
    "output": replace(ASKED, constraints=Constraints(output_kb=7)),
    "processes": replace(ASKED, constraints=Constraints(processes=7)),
    "file size": replace(ASKED, constraints=Constraints(file_kb=7)),
    "network": replace(ASKED, constraints=Constraints(network_enabled=True)),
}


def test_no_two_of_them_are_the_same() -> None:
    keys = {name: key(asked) for name, asked in OTHERS.items()} | {"as it was": key()}
    assert len(set(keys.values())) == len(keys)
    assert key() == keys["as it was"]


def test_who_sends_and_where_it_runs_is_in_it() -> None:
    others = [key(owner=UUID(int=8)), *(key(platform=PLATFORM | {name: "other"}) for name in (*PLATFORM, "cgroups"))]
    assert len({key(), *others}) == 1 + len(others)


def test_what_was_compiled_is_in_it() -> None:
    c = asking("c", (File("main.c", b""),), test_cases=(CASE,))
    artifact = Compiled((File("a.out", b"\x7fELF", 0o755),))
    keys = {key(c), key(c, compiled=artifact), key(c, compiled=Compiled((File("a.out", b"\x7fELG", 0o755),)))}
    assert len(keys) == 3
    java = asking("java", (File("Main.java", b""),), test_cases=(CASE,))
    mains = {key(java, compiled=Compiled((), name)) for name in ("Main", "Other")}
    assert len(mains) == 2


def test_language_and_version_are_in_it() -> None:
    cpp = [asking(language, (File("main.cpp", b""),), test_cases=(CASE,)) for language in ("cpp@17", "cpp@20", "cpp")]
    artifact = Compiled((File("a.out", b"", 0o755),))
    seventeen, twenty, default = (key(asked, compiled=artifact) for asked in cpp)
    assert seventeen != twenty
    assert default == seventeen


@pytest.mark.parametrize(
    "same",
    [
        of_case(ordinal=0, name="two", points=3, group="a"),
        replace(ASKED, priority=Priority.BULK, problem_id="p", metadata={"a": 1}, stop_on_first_failure=True),
        replace(ASKED, test_cases=(CASE, TestCase(1, "more"))),
    ],
    ids=["names and points", "labels", "other test cases"],
)
def test_what_no_result_holds_is_not_in_it(same: Submission) -> None:
    assert key(same) == key()


def test_the_seed_of_hashes_is_not_in_it() -> None:
    assert key(seed=1) == key(seed=2)
