from uuid import UUID, uuid4

import pytest

from domain.attempts import Due
from workers import turns
from workers.turns import Limits, Turns

ALICE, BOB = UUID(int=1), UUID(int=2)


def due(host: str, owner: UUID = ALICE) -> Due:
    return Due(uuid4(), owner, host)


def test_only_so_many_go_to_one_host() -> None:
    own = Turns(Limits(per_host=2, per_owner=9))
    first, second, third = due("a"), due("a"), due("a")
    assert [own.begin(one) for one in (first, second, third)] == [True, True, False]
    assert own.begin(due("b"))
    assert own.end(first) == [third.id]
    assert own.end(second) == []
    assert own.begin(third)


def test_only_so_many_go_for_one_sender() -> None:
    own = Turns(Limits(per_host=9, per_owner=2))
    first, second, third = due("a"), due("b"), due("c")
    assert [own.begin(one) for one in (first, second, third)] == [True, True, False]
    assert own.begin(due("c", BOB))
    assert own.end(second) == [third.id]


def test_who_waits_is_remembered_once_and_in_order() -> None:
    own = Turns(Limits(per_host=1, per_owner=9))
    first, second, third = due("a"), due("a"), due("a")
    assert own.begin(first)
    for one in (second, third, second):
        assert not own.begin(one)
    assert own.end(first) == [second.id]
    assert own.begin(second)
    assert own.end(second) == [third.id]
    assert own.end(third) == []


def test_it_remembers_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_WAITING", 1)
    own = Turns(Limits(per_host=1, per_owner=9))
    first, second, third = due("a"), due("a"), due("a")
    assert own.begin(first)
    assert not own.begin(second)
    assert not own.begin(third)
    assert own.end(first) == [second.id]
    assert own.begin(second)
    assert own.end(second) == []
