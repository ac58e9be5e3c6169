"""The execution cache in grading: what is taken, what is kept of a run, and that nothing is run on a hit."""

import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from domain.blob_folder import FolderBlobs
from domain.errors import Unavailable
from domain.limits import Constraints
from domain.model import (
    Cache,
    Claim,
    ExecutionCache,
    Outcome,
    Submission,
    TestCase,
)
from domain.verdict import Verdict
from sandbox import Cause, RunResult
from sandbox.fake import SPENT, FakeJail, FakeSandbox, ended
from tests.unit.workers.grading import THREE, Make
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import ONLY, OWNER, asking, claimed
from tests.unit.workers.programs import CASES, Programs
from workers import execution_cache
from workers.execution_cache import Executor


class Memory:
    """A store in memory."""

    def __init__(self) -> None:
        self.kept: dict[bytes, bytes] = {}
        self.asked = 0

    def find(self, keys: Sequence[bytes], most_bytes: int) -> Mapping[bytes, bytes]:
        self.asked += 1
        assert most_bytes > 0
        return {key: self.kept[key] for key in keys if key in self.kept}

    def keep(self, entries: Mapping[bytes, bytes]) -> None:
        self.kept |= entries


class Away(Memory):
    """A store that does not answer."""

    def find(self, keys: Sequence[bytes], most_bytes: int) -> Mapping[bytes, bytes]:
        raise Unavailable(f"nothing about {len(keys)} keys and {most_bytes} bytes")

    def keep(self, entries: Mapping[bytes, bytes]) -> None:
        raise AssertionError(f"it was asked to keep {len(entries)}")


class Full(Memory):
    """A store that takes nothing more."""

    def keep(self, entries: Mapping[bytes, bytes]) -> None:
        raise Unavailable(f"no room for {len(entries)}")


@pytest.fixture
def store() -> Memory:
    return Memory()


Grade = Callable[..., tuple[Outcome, FakeSandbox]]


@pytest.fixture
def grade(grader: Make, ledger: Ledger, store: Memory) -> Grade:
    """Grade what may be told again; gives the outcome and the sandbox with all jails that were made."""

    def run(
        script: Callable[[FakeJail], RunResult] | None = None,
        claim: Claim | None = None,
        kept: Memory | None = None,
        spare: Sequence[int] = (),
        **more: object,
    ) -> tuple[Outcome, FakeSandbox]:
        sandbox = FakeSandbox(script or (lambda _: ended(stdout=b"out")), spare=list(spare))
        executor = Executor(kept or store, {"python": "3.11"}, {"own": "x"})
        vars(ledger).update(results=[], outcome=None)
        ledger.offered = claim or claimed(replace(asking(cache=Cache.EXECUTION), **more))  # type: ignore[arg-type]
        assert replace(grader(sandbox), executor=executor).grade(ledger.offered.execution_id) is None
        assert ledger.outcome is not None
        return ledger.outcome, sandbox

    return run


def never(_: FakeJail) -> RunResult:
    raise AssertionError("it was run")


def use(outcome: Outcome) -> ExecutionCache | None:
    return outcome.telemetry.execution_cache


def test_the_second_time_nothing_is_run(grade: Grade, ledger: Ledger) -> None:
    first, _ = grade(test_cases=THREE)
    results = ledger.results
    second, sandbox = grade(never, test_cases=THREE)
    assert (use(first), use(second)) == (ExecutionCache.MISS, ExecutionCache.HIT)
    assert ledger.results == [replace(result, cached=True) for result in results]
    assert (second.verdict, sandbox.jails, sandbox.held) == (first.verdict, [], [])


def test_no_jail_and_no_thread_is_made_for_what_is_known(grade: Grade, monkeypatch: pytest.MonkeyPatch) -> None:
    grade(test_cases=THREE)
    monkeypatch.setattr(FakeSandbox, "series", never)
    started: list[str] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread.name))
    grade(never, test_cases=THREE)
    assert not {"scout", "lane"} & set(started)


@pytest.mark.parametrize("cache", [Cache.NONE, Cache.COMPILE])
def test_nobody_looks_who_is_not_asked_to(grade: Grade, store: Memory, cache: Cache) -> None:
    assert use(grade(cache=cache)[0]) is None
    assert (store.asked, store.kept) == (0, {})


def test_nobody_looks_unless_told() -> None:
    assert asking().cache is Cache.COMPILE


def test_a_network_keeps_away_from_it(grade: Grade, store: Memory) -> None:
    outcome, sandbox = grade(constraints=Constraints(network_enabled=True, network_rules=()))
    assert (use(outcome), len(sandbox.jails), store.asked, store.kept) == (None, 1, 0, {})


def test_a_regrade_keeps_away_from_it(grade: Grade, store: Memory) -> None:
    asked = asking(cache=Cache.EXECUTION)
    grade(claim=claimed(asked))
    before = dict(store.kept)
    outcome, sandbox = grade(lambda _: ended(stdout=b"new"), claim=claimed(asked, number=2))
    assert (use(outcome), len(sandbox.jails), store.kept, store.asked) == (None, 1, before, 1)


def test_a_second_attempt_of_the_same_execution_does_not(grade: Grade) -> None:
    asked = asking(cache=Cache.EXECUTION)
    grade(claim=claimed(asked))
    assert use(grade(never, claim=claimed(asked, attempt=2))[0]) is ExecutionCache.HIT


def test_another_sender_has_a_run_of_their_own(grade: Grade) -> None:
    asked = asking(cache=Cache.EXECUTION, test_cases=(replace(ONLY, is_hidden=True),))
    grade(claim=claimed(asked))
    for other in (claimed(asked, owner=type(OWNER)(int=8)), claimed(replace(asked, user_id="other"))):
        outcome, sandbox = grade(claim=other)
        assert (use(outcome), len(sandbox.jails)) == (ExecutionCache.MISS, 1)


def test_of_another_test_case_it_has_that_one_s_number_and_points(grade: Grade, ledger: Ledger) -> None:
    grade(test_cases=(TestCase(0, "a", b"x", points=2),))
    outcome, sandbox = grade(test_cases=(TestCase(0, "new", b"y"), TestCase(1, "b", b"x", points=5)))
    assert (use(outcome), len(sandbox.jails)) == (ExecutionCache.PARTIAL, 1)
    assert [(result.ordinal, result.points, result.cached) for result in ledger.results] == [
        (0, None, False),
        (1, 5, True),
    ]


def test_after_a_failure_that_is_known_nothing_is_run(grade: Grade, ledger: Ledger) -> None:
    cases = tuple(TestCase(number, str(number), str(number).encode()) for number in range(4))
    more = {"test_cases": cases, "stop_on_first_failure": True}

    def second_fails(jail: FakeJail) -> RunResult:
        return ended(3) if jail.command.stdin == b"1" else SPENT

    grade(second_fails, **more)
    outcome, sandbox = grade(never, **more)
    assert (use(outcome), sandbox.jails) == (ExecutionCache.HIT, [])
    assert [result.reason for result in ledger.results] == [None, "exit:3", "skipped", "skipped"]
    assert [result.cached for result in ledger.results] == [True, True, False, False]


def test_what_comes_before_a_failure_that_is_known_is_run(grade: Grade, ledger: Ledger) -> None:
    fails, new = TestCase(0, "fails", b"x"), TestCase(0, "new", b"y")
    grade(lambda _: ended(3), test_cases=(fails,))
    cases = (new, replace(fails, ordinal=1), TestCase(2, "never", b"z"))
    outcome, sandbox = grade(test_cases=cases, stop_on_first_failure=True)
    assert (use(outcome), len(sandbox.jails)) == (ExecutionCache.PARTIAL, 1)
    assert [result.reason for result in ledger.results] == [None, "exit:3", "skipped"]


def test_redis_away_costs_a_run_and_no_more(grade: Grade, logged: list[MutableMapping[str, object]]) -> None:
    outcome, sandbox = grade(kept=Away())
    assert (use(outcome), len(sandbox.jails), outcome.verdict) == (ExecutionCache.MISS, 1, Verdict.OK)
    outcome, sandbox = grade(kept=Full())
    assert (use(outcome), len(sandbox.jails), outcome.verdict) == (ExecutionCache.MISS, 1, Verdict.OK)
    told = [event["event"] for event in logged]
    assert told.count("execution_cache_unread") == told.count("execution_cache_unwritten") == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:20],
        lambda _: b"",
        lambda data: b"\xff" * 8 + data[8:],
        lambda data: data[:8] + data[9:],
        lambda data: data.replace(b'"OK"', b'"XX"'),
        lambda data: data.replace(b"cpu_time_ms", b"cpu_time_mz"),
        lambda _: (2).to_bytes(8) + b"[]",
        lambda _: (4).to_bytes(8) + b"null",
    ],
    ids=["shorter", "longer", "cut", "nothing", "absurd", "broken", "verdict", "field", "a list", "null"],
)
def test_what_is_not_whole_is_run_anew(grade: Grade, store: Memory, damage: Callable[[bytes], bytes]) -> None:
    grade()
    store.kept = {key: damage(data) for key, data in store.kept.items()}
    outcome, sandbox = grade()
    assert (use(outcome), len(sandbox.jails), outcome.verdict) == (ExecutionCache.MISS, 1, Verdict.OK)


def test_files_that_are_gone_are_made_anew(grade: Grade, tmp_path: Path) -> None:
    def write(jail: FakeJail) -> RunResult:
        jail.box.write("a.txt", b"content")
        return SPENT

    grade(write, outputs=("*.txt",))
    assert use(grade(never, outputs=("*.txt",))[0]) is ExecutionCache.HIT
    [blob] = [path for path in tmp_path.rglob("*") if path.is_file()]
    blob.chmod(0o644)
    blob.write_bytes(b"")
    assert use(grade(write, outputs=("*.txt",))[0]) is ExecutionCache.MISS
    FolderBlobs(tmp_path).remove(blob.name)
    assert use(grade(write, outputs=("*.txt",))[0]) is ExecutionCache.MISS
    assert use(grade(never, outputs=("*.txt",))[0]) is ExecutionCache.HIT


@pytest.mark.parametrize("cause", [Cause.CPU, Cause.WALL, Cause.MEMORY, Cause.STDOUT, Cause.FILE, Cause.PROCESSES])
def test_what_a_limit_ended_is_run_again(grade: Grade, store: Memory, cause: Cause) -> None:
    grade(lambda _: ended(1, cause=cause))
    assert store.kept == {}


@pytest.mark.usefixtures("at_once")
def test_what_was_ever_in_doubt_is_run_again(grade: Grade, ledger: Ledger, store: Memory) -> None:
    """A TLE beside our own neighbours that passes alone: it is right, and another time it may not be."""
    programs = Programs(
        case0=lambda _: programs.after(lambda: 1 in programs.ended),
        case1=lambda _: ended(cause=Cause.CPU) if len(programs.began[1]) == 1 else SPENT,
    )
    outcome, _ = grade(programs, spare=[1], test_cases=CASES[:2])
    assert (outcome.verdict, len(programs.began[1])) == (Verdict.OK, 2)
    assert [result.verdict for result in ledger.results] == [Verdict.OK, Verdict.OK]
    assert len(store.kept) == 1


def test_a_large_entry_is_not_kept(grade: Grade, store: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_cache, "MAX_BYTES", 100)
    assert use(grade()[0]) is ExecutionCache.MISS
    assert store.kept == {}


def test_of_one_execution_no_more_is_kept_than_is_read(
    grade: Grade, store: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = tuple(TestCase(number, str(number), str(number).encode()) for number in range(3))
    grade(test_cases=cases)
    size = len(next(iter(store.kept.values())))
    assert len(store.kept) == 3
    store.kept = {}
    monkeypatch.setattr(execution_cache, "MOST_BYTES", 2 * size + 20)
    grade(test_cases=cases)
    assert len(store.kept) == 2


def test_where_the_language_is_not_known_nothing_is_looked_for(grader: Make, ledger: Ledger, store: Memory) -> None:
    ledger.offered = claimed(asking(cache=Cache.EXECUTION))
    replace(grader(FakeSandbox()), executor=Executor(store)).grade(ledger.offered.execution_id)
    assert ledger.outcome is not None
    assert (use(ledger.outcome), store.asked) == (None, 0)


def test_a_submission_says_what_is_used_again() -> None:
    asked: Submission = asking()
    assert execution_cache.may_be_used(claimed(asked)) is False
    assert execution_cache.may_be_used(claimed(replace(asked, cache=Cache.EXECUTION))) is True
    typed = replace(asked, cache=Cache.EXECUTION, interactive=True)
    assert execution_cache.may_be_used(claimed(typed)) is False
