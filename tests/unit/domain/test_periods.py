from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.ids import first_at, new_id, time_of
from domain.partitions import periods

MONTH = timedelta(days=30)
BEGIN = datetime(1970, 1, 1, tzinfo=UTC) + 600 * MONTH


def test_periods_follow_each_other_without_a_gap() -> None:
    found = list(periods(BEGIN, BEGIN + 2 * MONTH, MONTH))

    assert found == [(BEGIN, BEGIN + MONTH), (BEGIN + MONTH, BEGIN + 2 * MONTH)]


def test_the_first_one_is_shorter_where_it_begins_within_one() -> None:
    begun = BEGIN + timedelta(days=12)

    assert next(iter(periods(begun, BEGIN + MONTH, MONTH))) == (begun, BEGIN + MONTH)


def test_there_is_none_where_all_is_made() -> None:
    assert list(periods(BEGIN, BEGIN, MONTH)) == []


def test_keys_of_a_moment_are_no_less_than_its_first() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    own_id = new_id()

    assert first_at(before) <= own_id < first_at(before + timedelta(minutes=1))
    assert time_of(first_at(BEGIN)) == BEGIN
    assert abs(time_of(own_id) - datetime.now(UTC)) < timedelta(minutes=1)
    assert first_at(datetime(1970, 1, 1, tzinfo=UTC)) == UUID(int=0)
