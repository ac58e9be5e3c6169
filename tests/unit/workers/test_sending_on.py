"""Whoever ends an execution sends what waited for its place."""

from collections.abc import MutableMapping
from dataclasses import replace
from uuid import UUID

import pytest

from domain import fair
from domain.db import Database
from domain.errors import Unavailable
from domain.fair import User, Usual
from domain.model import Priority
from domain.verdict import Verdict
from sandbox.fake import FakeSandbox
from tests.unit.workers.grading import Make, Told, graded
from tests.unit.workers.ledger import Ledger
from tests.unit.workers.making import asking

ALICE = User(UUID(int=1), "alice")
NEXT = (UUID(int=9), Priority.NORMAL)


def test_what_waited_is_sent(grader: Make, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def waiting(_: Database, user: User, usual: Usual) -> list[tuple[UUID, Priority]]:
        assert (user, usual) == (ALICE, Usual())
        return [NEXT]

    monkeypatch.setattr(fair, "send_waiting", waiting)
    sent: list[tuple[UUID, Priority]] = []
    ledger.waiting = ALICE

    graded(replace(grader(FakeSandbox()), send=sent.extend), ledger, asking())

    assert sent == [NEXT]


def test_a_database_that_is_away_leaves_it_to_the_sweeper(
    grader: Make,
    ledger: Ledger,
    told: Told,
    logged: list[MutableMapping[str, object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(fair, "send_waiting", away)
    ledger.waiting = ALICE

    assert graded(grader(FakeSandbox()), ledger, asking()).verdict is Verdict.OK

    assert told.states[-1] == "done"
    assert [event["event"] for event in logged if event["log_level"] == "warning"] == ["waiting_not_sent"]
