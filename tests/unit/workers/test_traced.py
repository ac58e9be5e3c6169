"""Jails that are recorded: what is graded in them comes to the same, and every step is a span under the right one."""

from pathlib import Path

import pytest

from domain import spans, tracing
from domain.model import TestCase
from domain.verdict import Verdict
from sandbox import RunResult, Side
from sandbox.fake import SPENT, FakeJail, FakeSandbox
from tests.recording import Recorder
from tests.unit.workers.grading import BROKEN, THREE, Make, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import LANGUAGES, asking, bench, planned
from workers.prepare import run_limits
from workers.traced import TracedJail, TracedJails

SENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PYTHON = LANGUAGES.known["python"]
TWO = (TestCase(0, "first"), TestCase(1, "second", is_hidden=True))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(spans, "_recorder", made)
    return made


def test_every_step_has_a_span_under_the_right_one(grader: Make, ledger: Ledger, recorder: Recorder) -> None:
    traced = TracedJails(FakeSandbox())
    with spans.received(SENT, "grade", {}):
        outcome = graded(grader(traced), ledger, asking(test_cases=TWO))

    assert outcome.verdict is Verdict.OK
    names = {one.trace.span_id: one.name for one in recorder.kept}
    tree = {(names.get(one.parent.span_id) if one.parent else None, one.name) for one in recorder.kept}
    assert tree == {
        (None, "grade"),
        (None, "queue"),
        *(("grade", name) for name in ("claim", "prepare", "slot", "enter", "series", "test case", "finish")),
        *(("test case", name) for name in ("run", "check")),
        *(("run", name) for name in ("jail acquire", "jail run", "check", "collect")),
    }
    assert all(one.ended and one.failed is None for one in recorder.kept)
    assert [one.attributes["shipd.ordinal"] for one in recorder.kept if one.name == "test case"] == [0, 1]
    assert recorder.kept[0].attributes["shipd.verdict"] == "OK"
    assert tracing.current() is None


def test_whoever_makes_jails_ahead_is_told_whether_another_is_wanted(grader: Make, ledger: Ledger) -> None:
    said = []

    def run(_: FakeJail) -> RunResult:
        said.append(sandbox.more[-1]())
        return SPENT

    sandbox = FakeSandbox(run)
    graded(grader(TracedJails(sandbox)), ledger, asking(test_cases=THREE))
    assert said == [True, True, False]


def test_a_jail_that_cannot_be_made_is_a_failure_of_its_span(grader: Make, ledger: Ledger, recorder: Recorder) -> None:
    traced = TracedJails(FakeSandbox(lambda *_: (_ for _ in ()).throw(BROKEN)))
    with spans.received(SENT, "grade", {}):
        assert graded(grader(traced), ledger, asking()).verdict is Verdict.JE
    assert {one.failed for one in recorder.kept if one.name == "test case"} == {"SandboxError"}
    assert str(BROKEN) not in str(recorder.kept)


def test_two_that_talk_are_the_jails_themselves(recorder: Recorder, tmp_path: Path) -> None:
    plain = FakeSandbox()
    slot, traced = bench(plain, tmp_path).slot, TracedJails(plain)
    command, limits = planned().run_command(TWO[0], None), run_limits(asking().constraints, TWO[0], PYTHON)
    with traced.jail(slot, limits, 0) as first, traced.jail(slot.beside, limits, 0) as second:
        assert isinstance(first, TracedJail)
        program, interactor = (Side(jail, command, limits, lambda _: True) for jail in (first, second))
        traced.converse(slot, program, interactor)
    assert [one.name for one in recorder.kept] == ["jail acquire", "jail acquire", "jail run"]
