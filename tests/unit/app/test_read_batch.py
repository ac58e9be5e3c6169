"""Reading a batch: how far it is, its items page by page, and results as they come."""

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from domain.errors import Unavailable
from domain.model import TestResult, Usage
from domain.verdict import State, Verdict
from tests.unit.app.conftest import HELLO, done

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

Json = dict[str, Any]


@pytest.fixture
def batch(api: "Api", backend: "MemoryBackend") -> str:
    """A batch of three and a wrong one, of which the first and the last are done."""
    answer = api.post("/v1/batches", {"submissions": [HELLO, {}, HELLO, HELLO]})
    first, _, last = backend.views
    for own_id, verdict in ((first, Verdict.OK), (last, Verdict.WA)):
        finish(backend, own_id, verdict, TestResult(0, verdict, stdout=b"out"))
    return str(answer.body["id"])


def finish(backend: "MemoryBackend", own_id: uuid.UUID, verdict: Verdict, result: TestResult) -> None:
    backend.views[own_id] = replace(backend.views[own_id], execution=done(result, verdict=verdict))


def test_it_works(api: "Api", batch: str) -> None:
    answer = api.get(f"/v1/batches/{batch}")

    assert answer.status == 200
    assert "items" not in answer.body
    assert (answer.body["id"], answer.body["done"]) == (batch, False)
    assert answer.body["counts"] == {"items": 4, "accepted": 3, "refused": 1}
    assert answer.body["states"] == dict.fromkeys(State, 0) | {"queued": 1, "done": 2}
    assert answer.body["verdicts"] == dict.fromkeys(Verdict, 0) | {"OK": 1, "WA": 1}


def test_it_waits_when_asked_and_there_is_something_to_wait_for(
    api: "Api", backend: "MemoryBackend", batch: str
) -> None:
    api.get(f"/v1/batches/{batch}?wait=3")
    for own_id in backend.views:
        finish(backend, own_id, Verdict.OK, TestResult(0, Verdict.OK))
    answer = api.get(f"/v1/batches/{batch}?wait=4")

    assert backend.batches.waits == [3]
    assert answer.body["done"]


@pytest.mark.parametrize("part", ["", "/items", "/results"])
def test_others_do_not_see_it(api: "Api", batch: str, part: str) -> None:
    api.key = "person"
    assert api.get(f"/v1/batches/{batch}{part}").status == 404
    api.key = "admin"
    with api.http.get(f"/v1/batches/{batch}{part}", headers={"Authorization": "Bearer admin"}) as response:
        assert response.status_code == 200
    assert api.get(f"/v1/batches/{uuid.uuid4()}{part}").status == 404


def test_items_come_page_by_page(api: "Api", batch: str) -> None:
    first = api.get(f"/v1/batches/{batch}/items?limit=3")
    second = api.get(f"/v1/batches/{batch}/items?limit=3&cursor={first.body['next_cursor']}")

    found = [item for page in (first, second) for item in entries(page.body)]
    assert [(item["index"], item["status"]) for item in found] == [(0, 201), (1, 422), (2, 201), (3, 201)]
    assert found[0]["submission"]["execution"]["stdout"] == "out"
    assert (found[1]["error"]["code"], "submission" in found[1]) == ("refused", False)
    assert second.body["next_cursor"] is None


def test_results_come_as_lines(api: "Api", batch: str) -> None:
    status, lines = api.lines(f"/v1/batches/{batch}/results")

    assert status == 200
    assert [(line["index"], line["status"]) for line in lines] == [(0, 201), (3, 201)]
    assert [line["submission"]["execution"]["verdict"] for line in lines] == ["OK", "WA"]  # type: ignore[index]


def test_results_go_on_behind_any_line(api: "Api", backend: "MemoryBackend", batch: str) -> None:
    _, lines = api.lines(f"/v1/batches/{batch}/results")
    _, after_first = api.lines(f"/v1/batches/{batch}/results?after={lines[0]['after']}")
    _, rest = api.lines(f"/v1/batches/{batch}/results?after={lines[-1]['after']}")
    _, middle, _ = backend.views
    finish(backend, middle, Verdict.OK, TestResult(0, Verdict.OK))
    _, later = api.lines(f"/v1/batches/{batch}/results?after={lines[-1]['after']}")
    _, nothing = api.lines(f"/v1/batches/{batch}/results?after={later[-1]['after']}")

    assert [[line["index"] for line in found] for found in (after_first, rest, later, nothing)] == [[3], [], [2], []]


def test_a_stream_ends_after_a_minute_or_sooner(api: "Api", backend: "MemoryBackend", batch: str) -> None:
    api.lines(f"/v1/batches/{batch}/results")
    api.lines(f"/v1/batches/{batch}/results?wait=0")

    assert backend.batches.waits == [60, 0]


def test_a_stream_that_breaks_off_shows_nothing_of_why(api: "Api", backend: "MemoryBackend", batch: str) -> None:
    backend.batches.breaks = Unavailable("connection to 10.1.2.3 refused")

    status, lines = api.lines(f"/v1/batches/{batch}/results")

    assert (status, len(lines)) == (200, 2)
    assert "10.1.2.3" not in str(lines)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("?wait=61", "wait"),
        ("?more=1", "more"),
        ("/items?limit=101", "limit"),
        ("/items?cursor=-1", "cursor"),
        ("/items?cursor=abc", "cursor"),
        ("/results?after=", "after"),
        ("/results?after=!!!!", "after"),
        ("/results?after=A", "after"),
        ("/results?after=" + "A" * 168, "after"),
        ("/results?wait=x", "wait"),
    ],
)
def test_it_refuses_what_is_no_such_query(api: "Api", batch: str, path: str, field: str) -> None:
    answer = api.get(f"/v1/batches/{batch}{path}")

    assert (answer.status, set(answer.fields)) == (422, {field})


def test_hidden_test_cases_stay_hidden(api: "Api", backend: "MemoryBackend") -> None:
    hidden = {"test_cases": [{"is_hidden": True, "input": "SECRET-IN", "expected_output": "SECRET-OUT"}]}
    wrong = {"test_cases": [{"is_hidden": True, "expected_output": {"exit_code": "SECRET-CODE"}}]}
    answer = api.post("/v1/batches", {"submissions": [HELLO | hidden, HELLO | wrong]})
    own_id = str(answer.body["id"])
    (only,) = backend.views
    result = TestResult(
        0, Verdict.RTE, "exit:42", 42, stdout=b"SECRET-STDOUT", usage=Usage(123, 456, 7), message="SECRET-MESSAGE"
    )
    finish(backend, only, Verdict.RTE, result)

    pages = api.get(f"/v1/batches/{own_id}/items").body
    shown = [api.get(f"/v1/batches/{own_id}").body, pages, api.lines(f"/v1/batches/{own_id}/results")[1]]

    assert all("SECRET" not in str(body) and "exit:42" not in str(body) for body in shown)
    (case,) = entries(pages)[0]["submission"]["execution"]["test_results"]
    assert set(case) == {"name", "is_hidden", "verdict", "reason", "usage", "points"}
    assert (case["reason"], case["usage"]["cpu_time_ms"]) == ("runtime", 120)


def entries(body: object) -> list[Json]:
    assert isinstance(body, dict)
    found = body["items"]
    assert isinstance(found, list)
    return found
