"""How rates are written."""

import pytest

from domain.key_limits import KeyLimits
from domain.rates import parse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("120/minute", [(120, 60)]),
        ("10/second;1000/hour", [(10, 1), (1000, 3600)]),
        ("5/30 seconds; 7/2 days", [(5, 30), (7, 2 * 86_400)]),
        ("", []),
        (" ", []),
    ],
)
def test_it_works(text: str, found: list[tuple[int, int]]) -> None:
    assert [(item.amount, item.get_expiry()) for item in parse(text)] == found


@pytest.mark.parametrize(
    "text", ["0/minute", "-1/minute", "x", "5", "5/", "5/fortnight", "1/second;;", "1/second;" * 5]
)
def test_what_is_no_rate_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="120/minute"):
        parse(text)


def test_what_a_newer_release_set_is_passed_over() -> None:
    assert KeyLimits.read({"rate": "1/second", "colour": "red"}) == KeyLimits(rate="1/second")
