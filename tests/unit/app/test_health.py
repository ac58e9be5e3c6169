from typing import TYPE_CHECKING

import pytest
from flask import Flask

from app.readiness import Check

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend


def test_livez_asks_nothing(api: "Api", backend: "MemoryBackend") -> None:
    backend.readiness = [Check("redis", ok=False, message="away")]
    api.key = None

    assert api.get("/livez").body == {"status": "ok", "checks": []}


@pytest.mark.parametrize("path", ["/readyz", "/health"])
def test_readyz_names_every_part(api: "Api", backend: "MemoryBackend", path: str) -> None:
    backend.readiness = [Check("postgresql", ok=True, message="answers"), Check("redis", ok=True, message="answers")]
    api.key = None

    answer = api.get(path)

    assert answer.status == 200
    assert answer.body == {
        "status": "ok",
        "checks": [
            {"name": "postgresql", "ok": True, "message": "answers"},
            {"name": "redis", "ok": True, "message": "answers"},
        ],
    }


def test_readyz_is_503_when_a_part_is_away(api: "Api", backend: "MemoryBackend") -> None:
    backend.readiness = [Check("postgresql", ok=True, message=""), Check("worker", ok=False, message="none")]

    answer = api.get("/readyz")

    assert (answer.status, answer.body["status"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]


def test_without_a_part_that_requests_can_do_without_it_is_ready_and_says_so(
    api: "Api", backend: "MemoryBackend"
) -> None:
    away = Check("redis", ok=False, message="does not answer", needed=False)
    backend.readiness = [Check("postgresql", ok=True, message=""), away]

    answer = api.get("/readyz")

    assert (answer.status, answer.body["status"]) == (200, "degraded")
    assert {"name": "redis", "ok": False, "message": "does not answer"} in answer.body["checks"]  # type: ignore[operator]


def test_the_index_leads_on(api: "Api", application: Flask) -> None:
    api.key = None

    links = api.get("/").body["links"]

    assert isinstance(links, dict)
    assert links["docs"] == "/docs"
    for path in links.values():
        with api.http.get(path) as response:
            assert response.status_code in (200, 401), path
