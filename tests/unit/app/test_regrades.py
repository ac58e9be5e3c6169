"""Regrades over HTTP: what is asked for arrives, what is wrong is named, and answers are as the document says."""

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from domain.regrade import Options, RegradeState, Seed, Version
from domain.regrade_selection import Selection
from domain.verdict import Verdict

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

SELECTION = {
    "problem_id": "p",
    "problem_version": 2,
    "language": "cpp",
    "verdicts": ["AC", "WA"],
    "reason": "stdout",
    "user_id": "u",
    "owner_id": str(uuid.UUID(int=5)),
    "created_from": "2026-11-25T08:00:00Z",
    "created_to": "2026-11-26T08:00:00+02:00",
    "ids": [str(uuid.UUID(int=6))],
}


@pytest.fixture(autouse=True)
def _as_admin(api: "Api") -> None:
    api.key = "admin"


def _get(api: "Api", path: str) -> Any:
    return api.get(path).body


def _post(api: "Api", path: str) -> Any:
    return api.post(path, None).body


def _fits(api: "Api", schema: str, body: object) -> None:
    document = api.get("/openapi.json").body
    root = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    jsonschema_rs.validator_for(root).validate(body)


def test_it_works(api: "Api", backend: "MemoryBackend") -> None:
    options = {"version": "latest", "seed": "new", "at_once": 3}
    answer = api.post("/v1/regrades", {"selection": SELECTION, "options": options})

    assert answer.status == 201
    _fits(api, "RegradeAnswer", answer.body)
    (made,) = backend.regrades.kept.values()
    assert answer.headers["Location"] == f"/v1/regrades/{made.id}"
    assert made.selection == Selection(
        problem_id="p",
        problem_version=2,
        language="cpp",
        verdicts=(Verdict.AC, Verdict.WA),
        reason="stdout",
        user_id="u",
        owner_id=uuid.UUID(int=5),
        created_from=datetime(2026, 11, 25, 8, tzinfo=UTC),
        created_to=datetime(2026, 11, 26, 6, tzinfo=UTC),
        ids=(uuid.UUID(int=6),),
    )
    assert made.options == Options(Version.LATEST, Seed.NEW, 3)
    assert made.made_by == f"owner {uuid.UUID(int=1)}"


def test_a_dry_run_changes_nothing(api: "Api", backend: "MemoryBackend") -> None:
    answer = api.post("/v1/regrades", {"selection": {"problem_id": "p"}, "dry_run": True})

    assert (answer.status, answer.body["selected"], answer.body["expected_s"]) == (200, 3, 2.5)
    _fits(api, "EstimateAnswer", answer.body)
    assert not backend.regrades.kept


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "selection"),
        ({"selection": {"problem": "p"}}, "selection.problem"),
        ({"selection": {"verdicts": ["NO"]}}, "selection.verdicts[0]"),
        ({"selection": {"ids": ["x"]}}, "selection.ids[0]"),
        ({"selection": {"created_from": "yesterday"}}, "selection.created_from"),
        ({"selection": {}, "options": {"at_once": 0}}, "options.at_once"),
        ({"selection": {}, "options": {"version": "old"}}, "options.version"),
        ({"selection": {}, "dry_run": "yes"}, "dry_run"),
    ],
)
def test_what_is_wrong_is_named(api: "Api", body: object, field: str) -> None:
    answer = api.post("/v1/regrades", body)

    assert answer.status == 422
    assert list(answer.fields) == [field]


def test_it_is_read_and_ended(api: "Api", backend: "MemoryBackend") -> None:
    made = backend.regrades.start(Selection("p"), Options(), "tests")
    own = f"/v1/regrades/{made.id}"

    found = _get(api, own)
    _fits(api, "OneRegradeAnswer", found)
    assert found["matrix"][1] == {"old": "AC", "new": "WA", "count": 1}
    listed = _get(api, "/v1/regrades?limit=1")
    _fits(api, "RegradesAnswer", listed)
    assert listed["regrades"][0]["id"] == str(made.id)
    states = [_post(api, f"{own}/{act}")["state"] for act in ("pause", "resume", "apply")]
    assert states == [RegradeState.PAUSED, RegradeState.RUNNING, RegradeState.APPLIED]
    other = backend.regrades.start(Selection("p"), Options(), "tests")
    assert _post(api, f"/v1/regrades/{other.id}/discard")["ended_by"] == f"owner {uuid.UUID(int=1)}"
    assert api.post(f"/v1/regrades/{other.id}/apply?partial=true", None).status == 409
    assert api.post(f"/v1/regrades/{other.id}/apply?partial=perhaps", None).status == 422


def test_items_come_in_pages_and_only_those_that_changed_where_asked(api: "Api", backend: "MemoryBackend") -> None:
    own = f"/v1/regrades/{backend.regrades.start(Selection('p'), Options(), 'tests').id}/items"

    page = _get(api, f"{own}?limit=2")
    _fits(api, "RegradeItemsAnswer", page)
    assert ([item["index"] for item in page["items"]], page["next_cursor"]) == ([0, 1], "2")
    (last,) = _get(api, f"{own}?limit=2&cursor=2")["items"]
    assert "new" not in last
    (changed,) = _get(api, f"{own}?changed=true")["items"]
    assert (changed["old"]["verdict"], changed["new"]["verdict"], changed["time_ratio"]) == ("AC", "WA", 1.5)
    (same,) = _get(api, f"{own}?changed=false")["items"]
    assert same["index"] == 1
    assert api.get(f"{own}?changed=1").status == 422
    assert api.get(f"{own}?cursor=-1").status == 422


def test_the_history_of_a_submission_has_candidates_for_operators_alone(api: "Api", backend: "MemoryBackend") -> None:
    own = uuid.uuid4()
    backend.regrades.owners[own] = backend.keys["person"].id

    for_all = _get(api, f"/v1/submissions/{own}/executions")
    _fits(api, "HistoryAnswer", for_all)
    assert [(one["number"], one["current"], one["candidate"]) for one in for_all["executions"]] == [
        (1, True, False),
        (2, False, True),
    ]
    api.key = "person"
    assert [one["number"] for one in _get(api, f"/v1/submissions/{own}/executions")["executions"]] == [1]


@pytest.mark.parametrize("key", ["service", "person"])
def test_nobody_but_operators_grades_again(api: "Api", backend: "MemoryBackend", key: str) -> None:
    api.key = key
    for answer in (api.get("/v1/regrades"), api.post("/v1/regrades", {"selection": {"problem_id": "p"}})):
        assert answer.status == 403
    assert not backend.regrades.kept
