"""What operators are told of hosts."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jsonschema_rs

from domain.errors import Unavailable
from domain.host import HostLoad, HostReport
from domain.hosts import Host

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
REPORT = HostReport("one", 2, 2**30, root=True, languages={"python": "3.11.2"}, region="north")


def test_it_works(api: "Api", backend: "MemoryBackend") -> None:
    load = HostLoad(slots_busy=1, ready={"plain": 2}, failures=1)
    backend.known_hosts = [Host(REPORT, load, NOW, live=True), Host(REPORT, HostLoad(), NOW, True, NOW, NOW)]
    api.key = "admin"

    answer = api.get("/v1/hosts")

    found = answer.body["hosts"]
    assert isinstance(found, list)
    first, second = found
    assert (first["name"], first["region"], first["standing"], first["load"]["ready"]) == (
        *("one", "north", "live"),
        {"plain": 2},
    )
    assert (second["standing"], second["drained_at"]) == ("drained", "2026-11-22T08:00:00.000Z")
    components = api.get("/openapi.json").body["components"]
    shape = {"$ref": "#/components/schemas/HostsAnswer", "components": components}
    jsonschema_rs.validator_for(shape).validate(answer.body)


def test_it_is_for_operators_alone(api: "Api") -> None:
    api.key = "service"

    assert api.get("/v1/hosts").status == 403


def test_it_answers_503_while_the_database_is_away(api: "Api", backend: "MemoryBackend") -> None:
    api.key, backend.failure = "admin", Unavailable("no")

    assert api.get("/v1/hosts").status == 503
