from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from domain.listing import Filters
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


def test_it_asks_for_what_is_all_of_this(api: "Api", backend: "MemoryBackend") -> None:
    query = "user_id=u%201&problem_id=p&language=cpp%4020&state=done&verdict=WA"
    moments = "created_from=2026-11-25T08:00:00%2B01:00&created_to=2026-11-25t09:00:00.5z"

    assert api.get(f"/v1/submissions?{query}&{moments}").status == 200

    assert backend.filters == Filters(
        user_id="u 1",
        problem_id="p",
        language="cpp@20",
        state=State.DONE,
        verdict=Verdict.WA,
        created_from=datetime(2026, 11, 25, 7, tzinfo=UTC),
        created_to=datetime(2026, 11, 25, 9, 0, 0, 500_000, tzinfo=UTC),
    )


def test_a_cursor_belongs_to_its_list(api: "Api", backend: "MemoryBackend") -> None:
    for _ in range(3):
        backend.keep(HELLO)
    cursor = api.get("/v1/submissions?limit=1&state=queued&created_to=2027-01-01T00:00:00Z").body["next_cursor"]

    same = f"/v1/submissions?created_to=2027-01-01T01:00:00%2B01:00&state=queued&limit=2&fields=id&cursor={cursor}"
    assert api.get(same).status == 200
    for others in ("", "state=queued", "state=done&created_to=2027-01-01T00:00:00Z", "user_id=u"):
        answer = api.get(f"/v1/submissions?{others}&cursor={cursor}")
        assert (answer.status, answer.fields) == (422, {"cursor": "was given with other filters"})


@pytest.mark.parametrize(
    "query",
    [
        *("user_id=", "user_id=%00", "user_id=" + "x" * 256, "problem_id=", "language=cobol", "language=cpp%4099"),
        *("state=DONE", "state=", "state=done,queued", "verdict=ac", "verdict=XX", "verdict="),
        *("created_from=", "created_from=2026-11-25", "created_from=2026-11-25T08:00:00", "created_to=now"),
        *(
            "created_to=2026-02-30T08:00:00Z",
            "created_to=2026-11-25T08:00:00+01:00",
            "created_to=0001-01-01T00:00:00Z0",
        ),
        *("created_from=0001-01-01T00:00:00%2B23:59", "created_from=9999-12-31T23:59:59-23:59", "fields=nope"),
        *("limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=" + "9" * 5000),
        *(
            "cursor=",
            "cursor=x",
            "cursor=" + "A" * 31,
            "cursor=" + "A" * 32,
            "cursor=" + "_" * 40,
            "cursor=" + "é" * 40,
            "cursor=%00",
            "page=2",
        ),
    ],
)
def test_it_refuses_a_bad_query(api: "Api", query: str) -> None:
    answer = api.get(f"/v1/submissions?{query}")

    assert (answer.status, list(answer.fields)) == (422, [query.partition("=")[0]])
