import pytest

from sandbox.forecast import MOST_KINDS, Forecast, Forecasts
from sandbox.kind import Kind


def test_nothing_is_expected_at_first() -> None:
    forecast = Forecast(10.0)
    forecast.note(10.1)
    assert (forecast.rate, forecast.mean_error) == (0.0, 0.0)


def test_it_comes_to_expect_what_comes_every_second() -> None:
    forecast = Forecast(0.0)
    for second in range(10):
        for part in range(8):
            forecast.note(second + part / 8)
    assert forecast.rate == pytest.approx(8, rel=0.01)


def test_it_forgets_what_came_long_ago() -> None:
    forecast = Forecast(0.0)
    forecast.note(0.5)
    forecast.note(1000.0)
    assert forecast.rate < 0.001


def test_its_error_is_the_mean_of_what_it_was_wrong_by() -> None:
    forecast = Forecast(0.0)
    forecast.note(0.5)
    forecast.note(1.5)  # the first second: one came where none was expected
    assert forecast.mean_error == pytest.approx(1.0)
    forecast.note(2.5)  # the second: one came where half was expected
    assert forecast.mean_error == pytest.approx(0.75)


def test_each_kind_has_its_own() -> None:
    forecasts, one, other = Forecasts(), Kind(), Kind(("/m",))
    assert [forecasts.note(kind, 0.0).asked for kind in (one, one, other)] == [1, 2, 1]
    assert forecasts[one].asked == 2


def test_kinds_that_nobody_asked_for_lately_are_forgotten() -> None:
    forecasts, first, second = Forecasts(), Kind(series=1), Kind(series=2)
    forecasts.note(first, 0.0)
    forecasts.note(second, 0.0)
    for number in range(3, MOST_KINDS + 1):
        forecasts.note(Kind(series=number), 0.0)
    forecasts.note(first, 0.0)
    forecasts.note(Kind(series=0), 0.0)
    assert forecasts[first].asked == 2
    with pytest.raises(KeyError):
        forecasts[second]
