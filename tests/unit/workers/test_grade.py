"""Grading from claim to outcome, with a fake sandbox and a ledger in the place of PostgreSQL."""

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.judging import Aggregation, TestGroup
from domain.limits import Constraints
from domain.model import Claim, ExecutionTelemetry, File, TestCase, Usage
from domain.scoring import GroupScore, Score
from domain.typed import Piece, TypedInput
from domain.verdict import State, Verdict
from sandbox import Cause, RunAborted, RunResult
from sandbox.fake import SPENT, FakeJail, FakeSandbox, ended, in_turn
from tests.unit.workers.grading import BROKEN, THREE, C, Make, Told, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import asking, claimed, expecting
from tests.unit.workers.test_stopwatch import Clock
from workers import grade, spread
from workers.grade import Grader
from workers.tries import SANDBOX_TRIES


def test_it_works(grader: Make, ledger: Ledger, told: Told) -> None:
    sandbox = FakeSandbox()
    outcome = graded(grader(sandbox), ledger, asking(test_cases=THREE))
    assert (outcome.verdict, outcome.reason, outcome.message, outcome.compile_output) == (Verdict.OK, None, "", None)
    assert [(found.ordinal, found.verdict, found.points) for found in ledger.results] == [
        (0, Verdict.OK, 1),
        (1, Verdict.OK, 2),
        (2, Verdict.OK, 3),
    ]
    assert ledger.states == [State.RUNNING]
    assert told.names == ["state", "state", "test_result", "test_result", "test_result", "done"]
    assert (told.states, told.published) == (["preparing", "running", "done"], ["done"])
    assert ledger.asked == {"worker": "host-1/7", "lease_s": 30, "max_attempts": 3}
    assert sandbox.held == []


def test_what_is_not_to_be_had_is_left_alone(grader: Make, ledger: Ledger, told: Told) -> None:
    ledger.offered = None
    sandbox = FakeSandbox()
    assert grader(sandbox).grade(UUID(int=1)) is None
    assert (ledger.outcome, sandbox.jails, told.live, told.published) == (None, [], [], [])


def test_a_compiled_language_is_compiled_once(grader: Make, ledger: Ledger, told: Told) -> None:
    def compile_or_run(jail: FakeJail) -> RunResult:
        if jail.command.policy == "compile":
            jail.box.write("a.out", b"ELF")
            return ended(stderr=b"warning")
        assert list(jail.box.files) == ["a.out"]
        return SPENT

    sandbox = FakeSandbox(compile_or_run)
    outcome = graded(grader(sandbox), ledger, asking("c", C, test_cases=THREE))
    assert (outcome.verdict, outcome.compile_output) == (Verdict.OK, b"warning")
    assert [jail.command.policy for jail in sandbox.jails] == ["compile", "strict", "strict", "strict"]
    assert ledger.states == [State.COMPILING, State.RUNNING]
    assert (told.states, told.published) == (["preparing", "compiling", "running", "done"], ["done"])
    assert outcome.telemetry.compile_usage == Usage(1, 2, 1 << 20)
    assert outcome.telemetry.language_metrics == {"artifact_files": 1, "artifact_bytes": 3}


def test_what_does_not_compile_is_not_run(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(in_turn(ended(1, stderr=b"error: no")))
    outcome = graded(grader(sandbox), ledger, asking("c", C, test_cases=THREE))
    assert (outcome.verdict, outcome.reason, outcome.compile_output) == (Verdict.CE, "exit:1", b"error: no")
    assert (len(sandbox.jails), ledger.results, ledger.states) == (1, [], [State.COMPILING])
    assert outcome.telemetry.compile_usage is not None
    assert outcome.telemetry.language_metrics is None


def test_the_first_that_failed_is_the_whole(grader: Make, ledger: Ledger) -> None:
    killed = ended(cause=Cause.SIGNAL, exit_signal=signal.SIGSEGV)
    outcome = graded(grader(FakeSandbox(in_turn(SPENT, killed, ended(1)))), ledger, asking(test_cases=THREE))
    assert (outcome.verdict, outcome.reason) == (Verdict.RTE, "signal:11")
    assert [found.points for found in ledger.results] == [1, 0, 0]


def test_accepted_is_more_than_ok(grader: Make, ledger: Ledger) -> None:
    cases = (replace(expecting(b""), ordinal=0), TestCase(1, "nothing expected"))
    assert graded(grader(FakeSandbox()), ledger, asking(test_cases=cases)).verdict is Verdict.AC


def test_after_a_failure_the_rest_may_be_skipped(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(in_turn(SPENT, ended(3)))
    outcome = graded(grader(sandbox), ledger, asking(test_cases=THREE, stop_on_first_failure=True))
    assert (outcome.verdict, outcome.reason) == (Verdict.RTE, "exit:3")
    assert [(found.verdict, found.reason) for found in ledger.results] == [
        (Verdict.OK, None),
        (Verdict.RTE, "exit:3"),
        (None, "skipped"),
    ]
    assert (ledger.results[2].stdout, ledger.results[2].usage, ledger.results[2].points) == (b"", None, 0)
    assert len(sandbox.jails) == 2


def test_test_groups_earn_points_and_skip(grader: Make, ledger: Ledger) -> None:
    groups = (
        TestGroup("a", aggregation=Aggregation.ALL_OR_NOTHING, points=30, stop_on_first_failure=True),
        TestGroup("b", aggregation=Aggregation.ALL_OR_NOTHING, points=20, requires=("a",)),
        TestGroup("c", points=50),
    )
    cases = tuple(TestCase(n, str(n), group=name) for n, name in enumerate("aabc"))
    sandbox = FakeSandbox(in_turn(ended(3), SPENT))
    outcome = graded(grader(sandbox), ledger, asking(test_cases=cases, groups=groups))
    assert (outcome.verdict, len(sandbox.jails)) == (Verdict.RTE, 2)
    assert [(found.verdict, found.reason) for found in ledger.results] == [
        (Verdict.RTE, "exit:3"),
        (None, "skipped"),
        (None, "skipped"),
        (Verdict.OK, None),
    ]
    assert outcome.score == Score(
        50,
        (
            GroupScore("a", None, Verdict.RTE, 0, 30),
            GroupScore("b", None, None, 0, 20),
            GroupScore("c", None, Verdict.OK, 50, 50),
        ),
    )


def test_what_does_not_compile_earns_nothing(grader: Make, ledger: Ledger) -> None:
    cases = tuple(replace(case, group="a") for case in THREE)
    submission = asking("c", C, test_cases=cases, groups=(TestGroup("a"),))
    outcome = graded(grader(FakeSandbox(in_turn(ended(1)))), ledger, submission)
    assert outcome.score == Score(0, (GroupScore("a", None, None, 0, 6),))
    plain = graded(grader(FakeSandbox(in_turn(ended(1)))), ledger, asking("c", C, test_cases=THREE))
    assert plain.score is None


def test_all_are_run_though_one_failed_unless_it_is_said(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(in_turn(ended(3)))
    graded(grader(sandbox), ledger, asking(test_cases=THREE))
    assert len(sandbox.jails) == 3


def test_nothing_is_skipped_where_nothing_failed(grader: Make, ledger: Ledger) -> None:
    graded(grader(FakeSandbox()), ledger, asking(test_cases=THREE, stop_on_first_failure=True))
    assert [found.verdict for found in ledger.results] == [Verdict.OK] * 3


def test_what_is_not_reached_within_an_hour_is_late(
    grader: Make, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()

    def take_half_an_hour(_: FakeJail) -> RunResult:
        clock.sleep(1801)
        return SPENT

    monkeypatch.setattr(grade, "time", clock)
    monkeypatch.setattr(spread, "time", clock)
    sandbox = FakeSandbox(take_half_an_hour)
    outcome = graded(grader(sandbox), ledger, asking(test_cases=THREE))
    assert (outcome.verdict, outcome.reason, len(sandbox.jails)) == (Verdict.TLE, "wall", 2)
    assert ledger.results[2].message == "the whole execution took longer than an hour"


@pytest.mark.parametrize("language", ["python", "c"])
def test_a_jail_that_fails_is_made_anew(grader: Make, ledger: Ledger, language: str) -> None:
    def fail_twice(jail: FakeJail) -> RunResult:
        if len(sandbox.jails) < SANDBOX_TRIES:
            raise BROKEN
        if jail.command.policy == "compile":
            jail.box.write("a.out", b"ELF")
        return SPENT

    sandbox = FakeSandbox(fail_twice)
    sources = C if language == "c" else (File("main.py", b""),)
    assert graded(grader(sandbox), ledger, asking(language, sources)).verdict is Verdict.OK


def test_a_sandbox_that_keeps_failing_is_our_fault(grader: Make, ledger: Ledger, told: Told) -> None:
    sandbox = FakeSandbox(in_turn(SPENT, *[BROKEN] * SANDBOX_TRIES))
    outcome = graded(grader(sandbox), ledger, asking(test_cases=THREE))
    assert (outcome.verdict, outcome.reason) == (Verdict.JE, "sandbox")
    assert "no jail" not in outcome.message
    assert len(sandbox.jails) == 1 + SANDBOX_TRIES
    assert (told.states[-1], told.published) == ("done", ["done"])
    assert sandbox.held == []


def test_a_compiler_s_jail_that_keeps_failing_is_our_fault(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(in_turn(*[BROKEN] * SANDBOX_TRIES))
    outcome = graded(grader(sandbox), ledger, asking("c", C))
    assert (outcome.verdict, outcome.reason, ledger.results) == (Verdict.JE, "sandbox", [])


def test_more_slots_than_there_are_is_our_fault(grader: Make, ledger: Ledger) -> None:
    submission = asking(constraints=Constraints(cpu_millicores=3000))
    assert graded(grader(FakeSandbox(slots=2)), ledger, submission).reason == "sandbox"


def test_a_jail_has_as_many_slots_as_it_needs(grader: Make, ledger: Ledger) -> None:
    sandbox = FakeSandbox(slots=2)
    graded(grader(sandbox), ledger, asking(constraints=Constraints(cpu_millicores=1500)))
    assert sandbox.jails[0].slot.numbers == (0, 1)


def test_a_language_that_was_removed_is_our_fault(grader: Make, ledger: Ledger) -> None:
    outcome = graded(grader(FakeSandbox()), ledger, asking("cobol"))
    assert (outcome.verdict, outcome.reason) == (Verdict.JE, "sandbox")
    assert "cobol" in outcome.message
    assert outcome.telemetry.versions == {"shipd": "1.0", "nsjail": "3.6"}


def test_it_tells_what_it_knows(grader: Make, ledger: Ledger) -> None:
    known = graded(grader(FakeSandbox()), ledger, asking()).telemetry
    assert (known.host, known.worker) == ("host-1", "host-1/7")
    assert known.versions == {"shipd": "1.0", "nsjail": "3.6", "python": "3.11.2"}
    assert (known.compile, known.compile_usage, known.language_metrics) == (None, None, None)
    assert known.phases.compile_ms is None
    assert None not in {known.phases.queue_ms, known.phases.prepare_ms, known.phases.run_ms, known.phases.check_ms}


def test_a_language_whose_version_nobody_asked_is_unknown(grader: Make, ledger: Ledger) -> None:
    outcome = graded(grader(FakeSandbox()), ledger, asking("javascript", (File("main.js", b""),)))
    assert outcome.telemetry.versions["javascript"] == "unknown"


@pytest.mark.parametrize(("ago_s", "least_ms", "most_ms"), [(60, 60_000, 120_000), (-60, 0, 0)])
def test_the_time_in_the_queue_is_never_below_nothing(
    grader: Make, ledger: Ledger, ago_s: int, least_ms: int, most_ms: int
) -> None:
    queued_at = datetime.now(UTC) - timedelta(seconds=ago_s)
    telemetry = _telemetry(grader(FakeSandbox()), replace(claimed(asking()), queued_at=queued_at), ledger)
    assert least_ms <= (telemetry.phases.queue_ms or 0) <= most_ms


def _telemetry(grader: Grader, claim: Claim, ledger: Ledger) -> ExecutionTelemetry:
    ledger.offered = claim
    grader.grade(claim.execution_id)
    assert ledger.outcome is not None
    return ledger.outcome.telemetry


class Typed(TypedInput):
    """What is typed, and whether it was removed in the end."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1/0")
        self.forgotten: list[UUID] = []

    def next(self, execution_id: UUID, place: bytes, wait_ms: int) -> Piece | None:  # noqa: ARG002
        return Piece(b"1", str(execution_id).encode(), is_end=True)

    def forget(self, execution_id: UUID) -> None:
        self.forgotten.append(execution_id)


def read_typed(jail: FakeJail) -> RunResult:
    """Have the program print its input."""
    if jail.taker is None:
        return ended(stdout=b"nobody types")
    reader, writer = os.pipe()
    with open(reader, "rb") as stdin:  # noqa: PTH123 - a descriptor
        jail.taker(writer)
        return ended(stdout=stdin.read())


@pytest.mark.parametrize("interactive", [True, False])
def test_an_interactive_run_is_given_what_is_typed(grader: Make, ledger: Ledger, *, interactive: bool) -> None:
    typed = Typed()
    graded(replace(grader(FakeSandbox(read_typed)), typed=typed), ledger, asking(interactive=interactive))
    assert ledger.offered is not None
    own = ledger.offered.execution_id
    assert [found.stdout for found in ledger.results] == [str(own).encode() if interactive else b"nobody types"]
    assert typed.forgotten == [own] * interactive


def test_what_a_hidden_case_writes_is_not_listened_to(grader: Make, ledger: Ledger, told: Told) -> None:
    sandbox = FakeSandbox(lambda _: ended(stdout=b"secret", stderr=b"secret"))
    cases = (TestCase(0, "seen"), TestCase(1, "hidden", is_hidden=True))
    graded(grader(sandbox), ledger, asking(test_cases=cases))
    assert [jail.listener is None for jail in sandbox.jails] == [False, True]
    outputs = [(data["ordinal"], data["stream"]) for event, data in told.live if event == "output"]
    assert outputs == [(0, "stdout"), (0, "stderr")]


def test_what_is_told_of_a_grading_that_is_given_back(grader: Make, ledger: Ledger, told: Told) -> None:
    ledger.offered = claimed(asking())
    assert grader(FakeSandbox(in_turn(RunAborted()))).grade(ledger.offered.execution_id) is ledger.offered
    assert (told.states[-1], told.published) == ("queued", [])


def test_whoever_wants_to_be_told_of_the_end_is(grader: Make, ledger: Ledger) -> None:
    told: list[UUID] = []
    for awaited, expected in ((False, []), (True, [UUID(int=1)])):
        ledger.awaited = awaited
        own = replace(grader(FakeSandbox()), announced=lambda claim: told.append(claim.execution_id))
        graded(own, ledger, asking())
        assert len(told) == len(expected)
