import pytest

from benchmarks.samples import percentile, summary


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile(values, 100) == 100
    assert percentile([7.0], 1) == percentile([7.0], 99) == 7


def test_the_99th_of_few_is_their_greatest() -> None:
    assert percentile([3.0, 1.0, 2.0], 99) == 3


def test_nothing_measured_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 50)


def test_a_summary_names_its_percentiles() -> None:
    assert summary([1.0, 2.0, 9.12345], 50, 99) == {"p50_ms": 2.0, "p99_ms": 9.123, "max_ms": 9.123}
