"""`POST /v1/batches`: every item is read and answered by itself."""

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from app import body as body_module
from app.errors import MAX_ITEM_FIELDS
from domain.errors import Conflict, InvalidRequest, Problem, Unavailable
from domain.verdict import State, Verdict
from tests.unit.app.conftest import ADMIN, HELLO, SERVICE, STARTED

if TYPE_CHECKING:
    from tests.unit.app.conftest import Answer, Api, MemoryBackend

Json = dict[str, Any]


def post(
    api: "Api", *members: object, path: str = "/v1/batches", headers: dict[str, str] | None = None, **more: object
) -> "Answer":
    return api.post(path, {"submissions": members, **more}, **(headers or {}))


def items(answer: "Answer") -> list[Json]:
    found = answer.body["items"]
    assert isinstance(found, list)
    return found


def test_it_works(api: "Api", backend: "MemoryBackend") -> None:
    answer = post(api, HELLO, HELLO | {"priority": "bulk"})

    own_id = answer.body["id"]
    assert (answer.status, answer.headers["Location"]) == (201, f"/v1/batches/{own_id}")
    assert answer.body["links"] == {
        "self": f"/v1/batches/{own_id}",
        "items": f"/v1/batches/{own_id}/items",
        "results": f"/v1/batches/{own_id}/results",
    }
    assert (answer.body["done"], answer.body["counts"]) == (False, {"items": 2, "accepted": 2, "refused": 0})
    assert [(item["index"], item["status"], item["submission"]["priority"]) for item in items(answer)] == [
        (0, 201, "normal"),
        (1, 201, "bulk"),
    ]
    ids = {uuid.UUID(item["submission"]["id"]) for item in items(answer)}
    assert ids == set(backend.views)
    assert {view.owner_id for view in backend.views.values()} == {SERVICE.id}


def test_a_wrong_item_spoils_no_other(api: "Api", backend: "MemoryBackend") -> None:
    answer = post(api, HELLO | {"language": "cobol"}, HELLO, 5, None, [], HELLO | {"constraints": {"memory_mb": 1}})

    assert answer.status == 201
    assert [item["status"] for item in items(answer)] == [422, 201, 422, 422, 422, 422]
    assert answer.body["counts"] == {"items": 6, "accepted": 1, "refused": 5}
    first, last = items(answer)[0]["error"], items(answer)[-1]["error"]
    assert (first["code"], [entry["field"] for entry in first["fields"]]) == ("invalid_request", ["language"])
    assert [entry["field"] for entry in last["fields"]] == ["constraints.memory_mb"]
    assert all("submission" not in item for item in items(answer) if item["status"] == 422)
    assert len(backend.views) == 1


def test_numbers_that_are_none_are_the_fault_of_their_item(api: "Api") -> None:
    answer = api.send(
        b'{"submissions": [{"language": "c", "source": {"type": "code", "content": ""}},'
        b' {"language": "c", "source": {"type": "code", "content": ""}, "metadata": {"a": [NaN]}}]}',
        path="/v1/batches",
    )

    assert [item["status"] for item in items(answer)] == [201, 422]
    assert items(answer)[1]["error"]["fields"][0]["field"] == "metadata.a[0]"


def test_an_item_may_be_as_deep_as_a_submission(api: "Api") -> None:
    deep: object = 1
    for _ in range(body_module.MAX_DEPTH - 1):
        deep = [deep]

    fits = post(api, HELLO, HELLO | {"unknown": deep})
    too_deep = post(api, HELLO, HELLO | {"unknown": [deep]})

    assert [entry["field"] for entry in items(fits)[1]["error"]["fields"]] == ["unknown"]
    assert (too_deep.status, set(too_deep.fields)) == (422, {""})


def test_many_wrong_fields_of_an_item_are_counted(api: "Api") -> None:
    answer = post(api, HELLO | {f"unknown{n}": 1 for n in range(50)})

    error = items(answer)[0]["error"]
    assert len(error["fields"]) == MAX_ITEM_FIELDS
    assert error["message"].startswith("50 fields are wrong")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"submissions"}),
        ({"submissions": []}, {"submissions"}),
        ({"submissions": {}}, {"submissions"}),
        ({"submissions": [HELLO] * 1001}, {"submissions"}),
        ({"submissions": [HELLO], "atomic": "yes", "more": 1}, {"atomic", "more"}),
        ([HELLO], {""}),
    ],
)
def test_it_refuses_what_is_no_batch(api: "Api", backend: "MemoryBackend", body: object, fields: set[str]) -> None:
    answer = api.post("/v1/batches", body)

    assert (answer.status, set(answer.fields)) == (422, fields)
    assert backend.batches.asked == []


def test_it_refuses_too_many_parts_together(api: "Api", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "MAX_CONTAINERS", 20)

    assert post(api, *[HELLO] * 9).status == 201
    assert (post(api, *[HELLO] * 10).status, set(post(api, *[HELLO] * 10).fields)) == (422, {""})


def test_it_refuses_a_body_that_is_too_large(api: "Api", application: Flask) -> None:
    application.config["MAX_CONTENT_LENGTH"] = 100

    assert post(api, HELLO, HELLO).status == 413


def test_people_send_less_source_in_each(api: "Api") -> None:
    api.key = "person"
    small, large = ({"type": "code", "content": "x" * size} for size in (10 * 1024, 10 * 1024 + 1))

    answer = post(api, *[HELLO | {"source": small}] * 3, HELLO | {"source": large})

    assert [item["status"] for item in items(answer)] == [201, 201, 201, 422]


def test_what_the_domain_refuses_is_told(api: "Api", backend: "MemoryBackend") -> None:
    refusal = InvalidRequest(Problem("constraints.memory_mb", "more than any host has", "ask for less"))
    backend.batches.refused = {0: refusal, 2: Conflict("this id was used before with another body")}

    answer = post(api, HELLO, HELLO, HELLO)

    assert [item["status"] for item in items(answer)] == [422, 201, 409]
    assert items(answer)[0]["error"]["fields"][0]["message"] == "more than any host has"
    assert items(answer)[2]["error"] == {
        "code": "conflict",
        "message": "this id was used before with another body",
        "fields": [],
    }


def test_items_keep_their_ids_and_bodies(api: "Api", backend: "MemoryBackend") -> None:
    given = str(uuid.uuid4())
    single = api.submit(id=given)

    post(api, HELLO | {"id": given})

    ((batch_items, _, _, _),) = backend.batches.asked
    assert batch_items[0].sent.id == uuid.UUID(given)
    assert batch_items[0].sent.body_sha256 == backend.bodies[uuid.UUID(str(single.body["id"]))]


def test_atomic_is_for_the_domain(api: "Api", backend: "MemoryBackend") -> None:
    post(api, HELLO, atomic=True)
    post(api, HELLO, atomic=False)
    post(api, HELLO)

    assert [atomic for *_, atomic in backend.batches.asked] == [True, False, False]


def test_it_honours_an_idempotency_key(api: "Api", backend: "MemoryBackend") -> None:
    key = {"Idempotency_Key": "x"}
    wrong = HELLO | {"language": "cobol"}
    first = post(api, HELLO, wrong, headers=key)
    again = post(api, HELLO, wrong, headers=key)
    other = post(api, HELLO, headers=key)
    single = api.post("/v1/submissions", HELLO, **key)
    api.key = "person"
    someone_else = post(api, HELLO, wrong, headers=key)

    assert [answer.status for answer in (first, again, other, single, someone_else)] == [201, 200, 422, 201, 201]
    assert again.body == first.body
    assert other.fields == {"Idempotency-Key": "this key was used before with another body"}
    assert someone_else.body["id"] != first.body["id"]


def test_why_an_item_was_refused_is_not_remembered(api: "Api", backend: "MemoryBackend") -> None:
    key = {"Idempotency_Key": "x"}
    backend.batches.refused = {0: InvalidRequest(Problem("constraints.memory_mb", "more than any host has"))}
    post(api, HELLO, headers=key)

    (item,) = items(post(api, HELLO, headers=key))

    assert (item["status"], item["error"]["code"], item["error"]["fields"]) == (422, "refused", [])


def test_it_waits_when_asked(api: "Api", backend: "MemoryBackend") -> None:
    answer = post(api, HELLO, path="/v1/batches?wait=2.5")
    post(api, HELLO)

    assert answer.status == 201
    assert backend.batches.waits == [2.5]


def test_a_batch_of_nothing_that_is_right_is_done(api: "Api", backend: "MemoryBackend") -> None:
    answer = post(api, {}, path="/v1/batches?wait=30")

    assert (answer.status, answer.body["done"]) == (201, True)
    assert backend.batches.waits == []


def test_an_item_that_is_done_by_then_says_so(api: "Api", backend: "MemoryBackend") -> None:
    key = {"Idempotency_Key": "x"}
    post(api, HELLO, headers=key)
    for own_id, view in backend.views.items():
        ended = replace(view.execution, state=State.DONE, verdict=Verdict.WA, finished_at=STARTED)
        backend.views[own_id] = replace(view, execution=ended)

    answer = post(api, HELLO, headers=key)

    assert items(answer)[0]["submission"]["execution"]["verdict"] == "WA"
    assert answer.body["done"]


def test_it_answers_503_while_a_server_is_away(api: "Api", backend: "MemoryBackend") -> None:
    backend.batches.failure = Unavailable("connection to 10.1.2.3 refused")

    answer = post(api, HELLO)

    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "10.1.2.3" not in str(answer.body)


def test_a_static_check_of_the_key_is_on_every_item(api: "Api", backend: "MemoryBackend") -> None:
    backend.keys["checked"] = replace(ADMIN, static_check="basic")
    api.key = "checked"

    post(api, HELLO, HELLO)

    assert [new.static_check for new in backend.asked.values()] == ["basic", "basic"]
