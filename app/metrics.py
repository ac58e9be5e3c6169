"""What the API tells Prometheus: requests as they are answered, and whether the parts that it needs are there.

On a port of its own: nothing of this is to be had where the API itself is.
"""

import time
from collections.abc import Iterator

from flask import Flask, Response, request
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.backend import Backend
from app.wiring import EXTENSION
from domain import counted, prometheus
from streams import role

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
ELSEWHERE = "none"
"""The route of what is at no path that there is."""


def note(response: Response, began_at: float | None) -> None:
    """Count a request that was answered, by its route and never by its path."""
    route = request.url_rule.rule if request.url_rule else ELSEWHERE
    method = request.method if request.method in METHODS else "other"
    counted.HTTP.add(method, route, str(response.status_code))
    if began_at is not None:
        counted.HTTP_DURATION.note(time.perf_counter() - began_at, route)


class Parts(Collector):
    """Whether what requests are served with answers, asked when Prometheus asks."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ask all of them."""
        found = GaugeMetricFamily("shipd_part_up", "Whether a part of the platform answers the API.", labels=["part"])
        for check in self._backend.checks():
            found.add_metric([check.name], float(check.ok))
        yield found


def answer(app: Flask) -> None:
    """Have a process of gunicorn's count, and answer Prometheus. Raises OSError where the port is another's."""
    wiring = app.extensions[EXTENSION]
    settings = wiring.settings
    if role.serves_streams():
        prometheus.answer_beside(settings, "stream", settings.stream_metrics_port)
    else:
        prometheus.answer_beside(settings, "api", settings.api_metrics_port, Parts(wiring.backend))
