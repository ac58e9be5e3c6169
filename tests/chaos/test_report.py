"""What is said of recovery, from when submissions were made and ended."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.chaos import proof, report
from tests.chaos.plan import FAR, Fault, Plan, Strike
from tests.chaos.proof import Row
from tests.chaos.run import Found, Struck

BEGAN = datetime(2026, 11, 26, tzinfo=UTC).timestamp()
ROW = Row("a", 0, datetime.now(UTC), 1, "done", "OK", None, "", 1, 0, "near", None, None, 1, 0, 0)


def row(made: float, ended: float, region: str | None = None, host: str = "near") -> Row:
    moments = [datetime.fromtimestamp(BEGAN + moment, UTC) for moment in (made, ended)]
    return replace(ROW, created_at=moments[0], finished_at=moments[1], region=region, host=host)


def found(*rows: Row) -> Found:
    return Found(Plan(1, (), ()), BEGAN, rows=list(rows))


def struck(fault: Fault = Fault.API_KILLED, began: float = 10.0, ended: float = 12.0) -> Struck:
    return Struck(Strike(1, fault), began, ended)


def test_a_run_is_good_when_all_of_its_plan_was_done_and_nothing_is_left() -> None:
    strike = Strike(1, Fault.API_KILLED)
    good = Found(Plan(1, (), (strike,)), BEGAN, [Struck(strike, 1.0, 2.0)])
    assert report.is_good(good, [])
    assert not report.is_good(good, ["box: 0.img"])
    assert not report.is_good(replace(good, struck=[]), [])
    assert not report.is_good(replace(good, struck=[Struck(strike, 1.0)]), [])
    assert not report.is_good(replace(good, wrong=[proof.Fault(0, proof.Sort.LOST, "x")]), [])


def test_the_next_end_is_of_what_came_after_the_fault() -> None:
    one = report.recovery(found(row(1, 5), row(9, 13), row(12.5, 15), row(13, 20)), struck())
    assert one.first_s == 3.0


def test_what_was_caught_has_ended_when_the_last_of_it_has() -> None:
    one = report.recovery(found(row(1, 5), row(9, 13), row(9.5, 30), row(12.5, 50)), struck())
    assert one.caught_s == 18.0


def test_the_rate_is_back_when_as_much_ends_as_before() -> None:
    before = [row(0, second / 2) for second in range(20)]
    after = [row(0, 20 + second / 2) for second in range(40)]
    one = report.recovery(found(*before, *after), struck())
    assert one.rate_s is not None
    assert 6.0 <= one.rate_s <= 8.0


def test_of_a_region_that_is_away_its_own_are_asked() -> None:
    rows = [row(11, 12.5), row(11, 41, FAR), row(13, 14), row(13, 48, FAR)]
    away = struck(Fault.REGION_AWAY)
    assert report.recovery(found(*rows), away).first_s == 36.0
    assert report.fail_over_s(found(*rows), away) == 31.0
    assert report.fail_over_s(found(row(11, 41, FAR, host="far")), away) is None


def test_those_that_took_longest_are_named() -> None:
    told = report.slowest(found(row(1, 5), row(9, 13.5), row(2, 3)), 2)
    assert [one["seconds"] for one in told] == [4.5, 4.0]
