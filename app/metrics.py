"""What the API tells Prometheus: what it counts (app/access_log.py), and whether the parts that it needs are there.

On a port of its own: nothing of this is to be had where the API itself is.
"""

from collections.abc import Iterator

from flask import Flask
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.backend import Backend
from app.wiring import EXTENSION
from domain import prometheus
from streams import role


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
