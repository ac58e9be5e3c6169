"""A program that answers Prometheus: counts from its start on, and tells on a port of its own, where one is set."""

from prometheus_client.registry import Collector

from domain import counting, metrics
from domain.settings import Settings


def answer(settings: Settings, program: str, port: int | None, *more: Collector) -> None:
    """Count what this process and its children do, and tell it with what `more` find out when they are asked.

    Raises OSError where the port is somebody else's.
    """
    if port is not None:
        # The port before the folder: where another of this program runs, its numbers are in there.
        server = metrics.bind(settings.metrics_host, port)
        counting.begin(settings.state_dir / f"metrics-{program}-{settings.host_name}")
        metrics.serve(server, *more)


def answer_beside(settings: Settings, program: str, port: int | None, *more: Collector) -> None:
    """Do so together with the other processes that the same server started, which do it as well. Raises OSError."""
    if port is not None:
        server = metrics.bind(settings.metrics_host, port, shared=True)
        root = settings.state_dir / f"metrics-{program}-{settings.host_name}"
        counting.begin(metrics.folder_beside(root), beside=True)
        metrics.serve(server, *more)
