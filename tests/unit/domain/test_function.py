"""Types of arguments and returned values, and how a signature is kept."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.function import MAX_DEPTH, MAX_TYPE_CHARS, Comparison, Function, Order, Parameter, Type, misfit, parse
from domain.judging import Judging, decode, encode

TWO_SUM = Function(
    "two_sum",
    (Parameter("nums", "list[int]"), Parameter("target", "int")),
    "list[int]",
    "Solution",
    Comparison(Order.OUTER, 0.5),
)
WORDS = ("int", "float", "str", "bool", "null", "any")
TYPES = st.recursive(
    st.sampled_from(WORDS),
    lambda inner: st.tuples(st.sampled_from(("list[{}]", "optional[{}]", "dict[str,{}]")), inner).map(
        lambda pair: pair[0].format(pair[1])
    ),
    max_leaves=4,
)


def test_it_reads_a_type() -> None:
    assert parse("dict[str, list[ optional[int] ]]") == Type("dict", Type("list", Type("optional", Type("int"))))


@given(TYPES)
def test_every_type_of_the_grammar_is_read_back(text: str) -> None:
    def written(kind: Type) -> str:
        if kind.inner is None:
            return kind.name
        key = "str," if kind.name == "dict" else ""
        return f"{kind.name}[{key}{written(kind.inner)}]"

    assert written(parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "Int", "list", "list[]", "list[int", "list[int]]", "dict[int,int]", "dict[int]", "int[int]", "a b"]
)
def test_it_refuses_what_is_no_type(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_it_refuses_a_type_that_is_too_long() -> None:
    with pytest.raises(ValueError, match=str(MAX_TYPE_CHARS)):
        parse("list[" * 50 + "int" + "]" * 50)


@given(st.text(alphabet="list[]dcopna,str ", max_size=60))
def test_whatever_is_written_there_is_a_type_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse(text), Type)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, "int"),
        (-(10**30), "int"),
        (1, "float"),
        (1.5, "float"),
        ("", "str"),
        (True, "bool"),
        (None, "null"),
        (None, "optional[int]"),
        (3, "optional[int]"),
        ([], "list[int]"),
        ([[1], None], "list[optional[list[int]]]"),
        ({"a": [1]}, "dict[str,list[int]]"),
        ({"a": [None, {"b": True}]}, "any"),
    ],
)
def test_it_takes_what_fits(value: object, kind: str) -> None:
    assert misfit(value, parse(kind)) is None


@pytest.mark.parametrize(
    ("value", "kind", "path", "message"),
    [
        (True, "int", "", "must be a whole number"),
        (1.0, "int", "", "must be a whole number"),
        (True, "float", "", "must be a number"),
        ("NaN", "float", "", "must be a number"),
        (1, "str", "", "must be a string"),
        (0, "bool", "", "must be true or false"),
        (0, "null", "", "must be null"),
        (None, "int", "", "must be a whole number"),
        ({}, "list[int]", "", "must be a list"),
        ([], "dict[str,int]", "", "must be an object"),
        ([1, [], "x"], "list[int]", "[1]", "must be a whole number"),
        ({"a": {"b": [1, None]}}, "dict[str,dict[str,list[int]]]", ".a.b[1]", "must be a whole number"),
        ("x", "optional[int]", "", "must be a whole number"),
    ],
)
def test_it_names_the_place_that_does_not_fit(value: object, kind: str, path: str, message: str) -> None:
    found = misfit(value, parse(kind))
    assert found is not None
    assert (found.path, found.message) == (path, message)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_number_for_may_be_returned(word: str) -> None:
    assert misfit([word], parse("list[float]"), returned=True) is None
    assert misfit([word], parse("list[int]"), returned=True) is not None


def test_depth_has_an_end() -> None:
    deep: object = 1
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    found = misfit(deep, parse("any"))
    assert found is not None
    assert found.message == f"is nested more than {MAX_DEPTH} deep"


def test_it_is_kept_with_the_rest_of_the_judging() -> None:
    judging = Judging(function=TWO_SUM)
    assert decode(encode(judging)) == judging
