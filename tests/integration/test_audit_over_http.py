"""From where a request came stands in the audit log: the address, the request and the key."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from domain import audit, hosts, keys
from domain.db import Database
from domain.host import HostReport
from domain.settings import Settings

Rows = Callable[..., list[Mapping[str, object]]]
FORWARDED = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Request-ID": "mine"}


@pytest.fixture
def api(database_url: str, redis_url: str, tmp_path: Path, db: Database) -> Callable[[int], FlaskClient]:
    """The API behind so many proxies, asked by an administrator from 192.0.2.1."""
    text = keys.create(db, name="tests", role="admin")
    hosts.report(db, HostReport("here", 2, 2**34, root=True, languages={"python": "3"}))

    def make(proxies: int) -> FlaskClient:
        settings = Settings(database_url, redis_url, redis_url, blob_dir=tmp_path / "blobs", proxies=proxies)
        client = create_app(settings).test_client()
        client.environ_base |= {"HTTP_AUTHORIZATION": f"Bearer {text}", "REMOTE_ADDR": "192.0.2.1"}
        return client

    return make


@pytest.mark.parametrize(("proxies", "address"), [(0, "192.0.2.1"), (1, "203.0.113.9"), (2, "198.51.100.7")])
def test_of_an_address_only_what_known_proxies_say_is_believed(
    api: Callable[[int], FlaskClient], db: Database, proxies: int, address: str
) -> None:
    problem = {"id": "sum", "title": "Sum", "test_cases": [{"name": "1"}]}

    assert api(proxies).post("/v1/problems", json=problem, headers=FORWARDED).status_code == 201

    (entry,) = audit.latest(db, 5)
    assert entry.event == "problem_version_created"
    assert entry.origin is not None
    prefix = entry.origin["key_prefix"]
    assert entry.actor == f"key {prefix}"
    assert {**entry.origin, "owner_id": ""} == {
        "address": address,
        "request_id": "mine",
        "key_prefix": prefix,
        "owner_id": "",
    }


def test_a_submission_keeps_where_it_came_from_and_who_cancelled_it_is_noted(
    api: Callable[[int], FlaskClient], db: Database, rows: Rows
) -> None:
    body = {"language": "python", "source": {"type": "code", "content": "print(1)"}}
    client = api(1)
    sent = client.post("/v1/submissions", json=body, headers=FORWARDED).get_json()

    assert client.delete(f"/v1/submissions/{sent['id']}").status_code == 200

    (row,) = rows("SELECT origin FROM submissions")
    assert isinstance(row["origin"], dict)
    assert (row["origin"]["address"], row["origin"]["request_id"]) == ("203.0.113.9", "mine")
    (entry,) = audit.latest(db, 5)
    assert (entry.event, entry.details) == ("cancelled", {"submission_id": sent["id"], "executions": 1})
    assert entry.origin is not None
    assert entry.origin["address"] == "192.0.2.1"
