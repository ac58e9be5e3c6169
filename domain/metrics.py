"""Numbers for Prometheus that several processes count: each keeps its own in files, and one of them adds up when asked.

FOLDER/*.db                 of each process, by prometheus_client
http://HOST:PORT/metrics    all of them together, from the process that called `serve`
"""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share(folder: Path) -> None:
    """Have every number that this process and its children count from now on kept in a folder, empty at first.

    It comes before the first number is made: what prometheus_client keeps numbers in is otherwise decided when it is
    imported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink()
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def collected() -> CollectorRegistry:
    """Give what adds up the numbers of all processes."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def serve(host: str, port: int, *more: Collector) -> None:
    """Answer Prometheus from a thread, with what `more` find out when they are asked.

    Raises OSError where the port is somebody else's.
    """
    registry = collected()
    for collector in more:
        registry.register(collector)
    start_http_server(port, host, registry)


def forget(pid: int) -> None:
    """Let what a process has at the moment (not what it counted) count no more: it has ended."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
