from hypothesis import given
from hypothesis import strategies as st

from domain import storable


def test_it_works() -> None:
    assert storable.text("out/é.png") == "out/é.png"
    assert storable.text("a\udcffb\0") == "a\\udcffb\\x00"
    assert storable.mapping({"a\0": "b\ud800", "n": 3}) == {"a\\x00": "b\\ud800", "n": 3}


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_whatever_comes_postgresql_can_take_it(value: str) -> None:
    assert b"\0" not in storable.text(value).encode()
