import uuid

from domain.ids import new_id


def test_it_works() -> None:
    made = new_id()

    assert type(made) is uuid.UUID
    assert made.version == 7


def test_later_ones_are_greater() -> None:
    made = [new_id() for _ in range(1000)]

    assert made == sorted(set(made))
