import shutil
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import hosts, submissions
from domain.blob_folder import FolderBlobs
from domain.db import Database
from domain.errors import Conflict, InvalidRequest, NotFound
from domain.host import HostReport
from domain.ids import new_id
from domain.inserting import MOST_ROWS
from domain.limits import Constraints
from domain.model import (
    Cache,
    Checker,
    CheckerType,
    Claim,
    Expectation,
    File,
    Priority,
    Submission,
    TestCase,
)
from domain.network import NetworkRule, Protocol
from domain.verdict import State
from domain.views import Asked, SubmissionView
from tests.properties import WITH_FIXTURES

Submit = Callable[..., SubmissionView]

RULES = (
    NetworkRule(host="a.example", ports=(80, 443)),
    NetworkRule(cidr="203.0.113.0/24", protocol=Protocol.UDP),
)
FULL = Submission(
    language="cpp@17",
    sources=(File("src/main.cpp", b"int main() {}", 0o755), File("a.h", b"")),
    entry_point="src/main.cpp",
    test_cases=(
        TestCase(
            ordinal=0,
            name="all of it",
            stdin=b"1 2",
            files=(File("in.txt", b"x"), File("in.bin", bytes(range(256)))),
            arguments=("-v", "", "two words"),
            expected=Expectation(stdout=b"3", files=(File("out.txt", b"y", 0o600),), exit_code=7),
            timeout_ms=100,
            is_hidden=True,
            points=10,
            group="g",
        ),
        TestCase(ordinal=1, name="expects nothing printed", expected=Expectation(stdout=b"")),
        TestCase(ordinal=2, name="expects nothing"),
    ),
    arguments=("a", "b c"),
    constraints=Constraints(500, 2000, 512, 2500, 100, 64, 8, True, RULES),
    checker=Checker(CheckerType.FLOAT, 1e-3),
    outputs=("out/*.png",),
    stop_on_first_failure=True,
    priority=Priority.BULK,
    problem_id="aplusb",
    user_id="someone",
    metadata={"course": {"week": [1, 2.5, None, True]}, "ключ": "värde"},
    static_check="basic",
    cache=Cache.NONE,
    interactive=True,
)


def test_it_works(db: Database, blobs: FolderBlobs, owner: UUID, submit: Submit) -> None:
    created = submit(FULL)

    assert submissions.get(db, blobs, created.id, owner) == created
    assert created.asked == Asked.of(FULL)
    assert created.execution.state is State.QUEUED
    assert created.owner_id == owner
    assert not created.replayed


def test_it_gives_a_submission_to_its_owner_only_and_to_operators(
    db: Database, blobs: FolderBlobs, submit: Submit
) -> None:
    created = submit()

    assert submissions.get(db, blobs, created.id, None) == created
    with pytest.raises(NotFound):
        submissions.get(db, blobs, created.id, new_id())
    with pytest.raises(NotFound):
        submissions.get(db, blobs, new_id(), None)


def test_it_tells_the_state_of_an_execution(db: Database, submit: Submit) -> None:
    assert submissions.state_of(db, submit().execution.id) is State.QUEUED
    with pytest.raises(NotFound):
        submissions.state_of(db, new_id())


_LONG = st.binary(max_size=40).map(lambda seed: (seed or b"\0") * 70_000)
_BYTES = st.binary(max_size=200) | _LONG


@settings(WITH_FIXTURES, max_examples=40)
@given(content=_BYTES, stdin=_BYTES, stdout=st.none() | _BYTES, file=_BYTES)
def test_it_gives_any_bytes_to_whoever_grades_them(
    take: Callable[..., Claim],
    submit: Submit,
    content: bytes,
    stdin: bytes,
    stdout: bytes | None,
    file: bytes,
) -> None:
    case = TestCase(0, "bytes", stdin=stdin, expected=Expectation(stdout=stdout, files=(File("f", file),)))
    new = Submission("python", (File("main.py", content),), "main.py", (case,))

    assert take(submit(new)).submission == new


def test_it_keeps_long_values_out_of_the_database(submit: Submit, rows: Callable[..., list[dict[str, object]]]) -> None:
    at_most, longer = bytes(64 * 1024), bytes(64 * 1024 + 1)
    submit(replace(FULL, sources=(File("a", at_most), File("b", longer))))

    kept = rows("SELECT content IS NOT NULL AS inline FROM source_files ORDER BY position")

    assert [row["inline"] for row in kept] == [True, False]


def test_it_keeps_a_thousand_test_cases(
    db: Database, blobs: FolderBlobs, take: Callable[..., Claim], submit: Submit
) -> None:
    cases = tuple(
        TestCase(n, f"case {n}", stdin=b"%d" % n, files=(File("in", b"x"),), expected=Expectation(stdout=b"y"))
        for n in range(1000)
    )
    new = replace(FULL, test_cases=cases)

    created = submit(new)

    assert submissions.get(db, blobs, created.id, None) == created
    assert take(created).submission == new


@pytest.mark.parametrize("number", [MOST_ROWS, MOST_ROWS + 1])
def test_the_last_of_many_test_cases_may_be_the_one_with_files(
    take: Callable[..., Claim], submit: Submit, number: int
) -> None:
    cases = [TestCase(n, f"case {n}", arguments=("x",) * (n % 3)) for n in range(number)]
    new = replace(FULL, test_cases=(*cases[:-1], replace(cases[-1], files=(File("in", b"x"),))))

    assert take(submit(new)).submission == new


def test_an_answer_reads_no_sources_inputs_and_expectations(
    db: Database, blobs: FolderBlobs, submit: Submit, rows: Callable[..., object]
) -> None:
    long = bytes(70_000)
    case = replace(FULL.test_cases[0], stdin=long, expected=Expectation(long, (File("out.txt", long),)))
    created = submit(replace(FULL, sources=(File("main.py", long),), test_cases=(case,)))
    # What is not there any more cannot be read.
    shutil.rmtree(blobs.folder)
    rows("DROP TABLE source_files, test_case_files")
    for column in ("stdin", "stdin_sha256", "expected_stdout", "expected_stdout_sha256", "arguments"):
        rows(f"ALTER TABLE test_cases DROP COLUMN {column}")

    assert submissions.get(db, blobs, created.id, None) == created


def _create(db: Database, blobs: FolderBlobs, owner: UUID, own_id: UUID, body: bytes) -> SubmissionView:
    return submissions.create(
        db,
        blobs,
        FULL,
        owner_id=owner,
        submission_id=own_id,
        body_sha256=body,
        enqueue=lambda *_: None,
    )


def test_it_replays_the_same_body_under_the_same_id(db: Database, blobs: FolderBlobs, owner: UUID) -> None:
    own_id = new_id()
    first = _create(db, blobs, owner, own_id, bytes(32))

    again = _create(db, blobs, owner, own_id, bytes(32))

    assert first.id == own_id
    assert again == replace(first, replayed=True)


def test_it_refuses_another_body_or_owner_under_the_same_id(
    db: Database, blobs: FolderBlobs, owner: UUID, rows: Callable[..., list[dict[str, object]]]
) -> None:
    own_id = new_id()
    _create(db, blobs, owner, own_id, bytes(32))

    with pytest.raises(Conflict):
        _create(db, blobs, owner, own_id, b"x" * 32)
    with pytest.raises(Conflict):
        _create(db, blobs, new_id(), own_id, bytes(32))
    assert len(rows("SELECT id FROM executions")) == 1


def test_one_of_many_at_once_creates_and_the_others_replay(
    db: Database, blobs: FolderBlobs, owner: UUID, at_once: Callable[..., list[SubmissionView]]
) -> None:
    own_id = new_id()

    views = at_once(8, lambda _: _create(db, blobs, owner, own_id, bytes(32)))

    assert sorted(view.replayed for view in views) == [False, *[True] * 7]
    assert len({view.execution.id for view in views}) == 1


def test_it_sends_the_execution_to_the_queue_once_it_is_committed(
    db: Database, blobs: FolderBlobs, owner: UUID
) -> None:
    sent: list[tuple[State, str]] = []

    submissions.create(
        db,
        blobs,
        FULL,
        owner_id=owner,
        submission_id=None,
        body_sha256=bytes(32),
        # Another connection sees it: it is committed.
        enqueue=lambda execution_id, priority: sent.append((submissions.state_of(db, execution_id), priority)),
    )

    assert sent == [(State.QUEUED, Priority.BULK)]


@pytest.mark.parametrize(
    "new",
    [
        replace(FULL, user_id="a\0b"),
        replace(FULL, user_id="\ud800"),
        replace(FULL, metadata={"a": "\0"}),
        replace(FULL, metadata={"\udc80": 1}),
        replace(FULL, metadata={"a": float("nan")}),
        replace(FULL, arguments=("\0",)),
        replace(FULL, constraints=Constraints(timeout_ms=2**31)),
        replace(FULL, sources=(File("\0", b""),)),
        replace(FULL, sources=(File("\ud800", b""),)),
        replace(FULL, test_cases=(TestCase(0, "group", group="\0"),)),
        replace(FULL, test_cases=(TestCase(0, "exit code", expected=Expectation(exit_code=2**31)),)),
        replace(FULL, test_cases=(TestCase(0, "arguments", arguments=("\0",)),)),
    ],
    ids=range(12),
)
def test_it_says_so_when_a_value_cannot_be_stored(
    db: Database, submit: Submit, rows: Callable[..., list[dict[str, object]]], new: Submission
) -> None:
    with pytest.raises(InvalidRequest, match="cannot be stored"):
        submit(new)
    assert rows("SELECT id FROM submissions") == []


def test_a_host_that_came_a_moment_ago_is_not_overlooked(db: Database, blobs: FolderBlobs, owner: UUID) -> None:
    known = hosts.Remembered(db)
    small = HostReport("small", 1, 2**24, root=True, languages={"python": "3.11"})
    hosts.report(db, small)
    assert known.reports() == [small]
    hosts.report(db, HostReport("large", 8, 2**36, root=True, languages={"python": "3.11"}))

    view = submissions.create(
        db,
        blobs,
        Submission("python", (File("main.py", b""),), "main.py", (TestCase(0, "1"),)),
        owner_id=owner,
        submission_id=None,
        body_sha256=bytes(32),
        enqueue=lambda *_: None,
        known=known,
    )

    assert view.execution.state is State.QUEUED
