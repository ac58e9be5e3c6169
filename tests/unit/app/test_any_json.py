"""Whatever JSON comes in, the answer is no 5xx, and every error has the one shape."""

import json
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties import WITH_FIXTURES

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["python", "code", "files", "main.py", "../x", "a/b", "exact", "\ud800", "\0", "aGk="]),
)
NAMES = st.sampled_from(
    [
        *("id", "language", "source", "type", "content", "filename", "files", "path", "mode", "entry_point"),
        *("arguments", "test_cases", "name", "input", "stdin", "expected_output", "stdout", "exit_code", "timeout_ms"),
        *("is_hidden", "points", "group", "problem_id", "checker", "tolerance", "constraints", "memory_mb", "outputs"),
        *("stop_on_first_failure", "priority", "user_id", "metadata", "base64", "_schema", "", "x", "region"),
    ]
)
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6))
FILE = st.fixed_dictionaries({}, optional={"path": ANY, "content": ANY, "mode": ANY})
SOURCE = ANY | st.fixed_dictionaries(
    {"type": st.sampled_from(["code", "files", "git"])},
    optional={"content": ANY, "filename": ANY, "files": ANY | st.lists(FILE, max_size=4)},
)
CASE = st.fixed_dictionaries(
    {},
    optional={
        "input": ANY | st.fixed_dictionaries({"files": st.lists(FILE, max_size=3)}),
        "expected_output": ANY,
        "name": ANY,
        "points": ANY,
        "group": st.sampled_from(["a", "b", "c"]) | ANY,
    },
)
WORD = st.sampled_from(["a", "b", "c"])
GROUP = st.fixed_dictionaries(
    {"name": WORD | ANY}, optional={"parent": WORD | ANY, "requires": st.lists(WORD) | ANY, "points": ANY}
)
VALID = {"language": "python", "source": {"type": "code", "content": "x"}}
ALMOST = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("id", "entry_point", "arguments", "checker", "constraints", "outputs", "metadata", "user_id"), ANY
        ),
        "language": ANY,
        "source": SOURCE,
        "test_cases": ANY | st.lists(CASE, max_size=4),
        "test_groups": ANY | st.lists(GROUP, max_size=4),
    },
).map(lambda fields: VALID | fields)


@given(ANY | ALMOST)
@settings(WITH_FIXTURES, max_examples=300)
def test_any_json_is_answered(api: "Api", body: object) -> None:
    answer = api.send(json.dumps(body).encode())

    assert answer.status in (200, 201, 409, 422), (answer.status, answer.body)
    if answer.status == 422:
        assert answer.fields
        json.dumps(answer.body, ensure_ascii=False).encode()


@given(st.binary())
@settings(WITH_FIXTURES, max_examples=100)
def test_any_bytes_are_answered(api: "Api", data: bytes) -> None:
    assert api.send(data).status in (400, 422)
