from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.model import File, Submission, TestCase
from domain.verdict import State, Verdict

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

HELLO = Submission("python", (File("main.py", b""),), "main.py", (TestCase(0, "run"),), problem_id="p", user_id="u")


def ids(body: dict[str, object]) -> list[str]:
    listed = body["submissions"]
    assert isinstance(listed, list)
    return [entry["id"] for entry in listed]


def test_it_works(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(HELLO)

    answer = api.get("/v1/submissions")

    assert answer.status == 200
    assert answer.body == {
        "submissions": [
            {
                "id": str(view.id),
                "links": {"self": f"/v1/submissions/{view.id}"},
                "created_at": "2026-11-22T08:00:00.000Z",
                "language": "python",
                "priority": "normal",
                "user_id": "u",
                "problem_id": "p",
                "execution": {
                    "id": str(view.execution.id),
                    "state": "queued",
                    "verdict": None,
                    "reason": None,
                    "points": None,
                },
            }
        ],
        "next_cursor": None,
    }


def test_it_leads_through_all_pages(api: "Api", backend: "MemoryBackend") -> None:
    kept = [str(backend.keep(HELLO).id) for _ in range(5)]
    found: list[str] = []
    path: str | None = "/v1/submissions?limit=2"
    while path is not None:
        body = api.get(path).body
        found += ids(body)
        cursor = body["next_cursor"]
        path = f"/v1/submissions?limit=2&cursor={cursor}" if cursor else None

    assert found == kept[::-1]


def test_it_lists_only_what_is_the_callers(api: "Api", backend: "MemoryBackend") -> None:
    backend.keep(HELLO)

    api.key = "person"
    assert ids(api.get("/v1/submissions").body) == []
    api.key = "admin"
    assert len(ids(api.get("/v1/submissions").body)) == 1


def test_it_keeps_a_hidden_cases_reason(api: "Api", backend: "MemoryBackend") -> None:
    view = backend.keep(replace(HELLO, test_cases=(TestCase(0, "1", is_hidden=True),)))
    failed = replace(view.execution, state=State.DONE, verdict=Verdict.RTE, reason="exit:42")
    backend.views[view.id] = replace(view, execution=failed)

    listed = api.get("/v1/submissions").body["submissions"]

    assert isinstance(listed, list)
    assert listed[0]["execution"]["reason"] == "runtime"


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=" + "9" * 5000),
        *("cursor=", "cursor=x", "cursor=" + "A" * 31, "cursor=" + "_" * 32, "cursor=%00", "page=2"),
    ],
)
def test_it_refuses_a_bad_query(api: "Api", query: str) -> None:
    answer = api.get(f"/v1/submissions?{query}")

    assert (answer.status, list(answer.fields)) == (422, [query.partition("=")[0]])
