import json

import pytest

from app.json import encode


@pytest.mark.parametrize(
    "value",
    [
        {"b": [1, 2.5, None, True], "a": "\u00e9\n\u2028"},
        {"large": 2**64, "low": -(2**63) - 1, "huge": 10**39},
        {"lone": "\ud800"},
        [],
        None,
    ],
)
def test_it_says_what_the_standard_library_says(value: object) -> None:
    assert json.loads(encode(value)) == value


def test_the_order_of_fields_is_kept() -> None:
    assert list(json.loads(encode({"b": 1, "a": 2}))) == ["b", "a"]
