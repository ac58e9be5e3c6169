"""What the API counts of requests, and what it says of its parts."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from app.metrics import Parts
from app.readiness import Check

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api


def test_requests_are_counted_by_route_and_never_by_path(api: "Api", shared: CollectorRegistry) -> None:
    api.get("/livez")
    api.get("/v1/submissions/00000000-0000-0000-0000-000000000001")
    api.get("/what/ever")
    api.http.open("/livez", method="BREW").close()

    def count(route: str, status: str, method: str = "GET") -> float | None:
        labels = {"method": method, "route": route, "status": status}
        return shared.get_sample_value("shipd_http_requests_total", labels)

    assert count("/livez", "200") == 1
    assert count("/v1/submissions/<uuid:submission_id>", "404") == 1
    assert count("none", "404") == 1
    assert count("none", "405", "other") == 1
    assert shared.get_sample_value("shipd_http_request_duration_seconds_count", {"route": "/livez"}) == 1


def test_parts_are_asked_when_prometheus_asks() -> None:
    checks = [Check("redis", ok=False, message="away", needed=False), Check("postgresql", ok=True, message="answers")]
    registry = CollectorRegistry()
    registry.register(Parts(SimpleNamespace(checks=lambda: checks)))
    assert registry.get_sample_value("shipd_part_up", {"part": "redis"}) == 0
    assert registry.get_sample_value("shipd_part_up", {"part": "postgresql"}) == 1
