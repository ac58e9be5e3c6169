"""Many who listen: what they cost the stream process, and how late they hear.

    python -m benchmarks.listeners [--listeners 2000] [--events 50] [--json]

A platform of its own is started; a program sleeps, and all listen to it over HTTP as anybody would. Then events are
told on its stream, one after the other, each with the moment it was told in it, and the listeners (one process, one
selector) note when each came. The same again of another program that one alone listens to, beside all those. Memory
is the stream process's own (PSS), before and with the listeners.
"""

import argparse
import json
import resource
import selectors
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit
from uuid import UUID

import psutil
from rich.console import Console
from rich.table import Table

from domain.live import Live
from standalone.stack import Stack

PAUSE_S = 0.1
SETTLE_S = 2.0
PROGRAM_S = 280
MARK = b'"told_at":'
Measured = Mapping[str, float]


class Listeners:
    """Connections that listen to one submission."""

    def __init__(self, url: str, api_key: str, submission_id: str) -> None:
        host = urlsplit(url)
        self._address = (str(host.hostname), int(host.port or 80))
        lines = (
            f"GET /v1/submissions/{submission_id}/events HTTP/1.1",
            f"Host: {host.netloc}",
            f"Authorization: Bearer {api_key}",
        )
        self._request = "\r\n".join([*lines, "", ""]).encode()
        self._selector = selectors.DefaultSelector()
        self._rest: dict[int, bytes] = {}
        self.connected = 0
        self.latencies: list[float] = []

    def connect(self, count: int) -> None:
        """Open connections, some at a time, until all were told the state."""
        for number in range(count):
            client = socket.create_connection(self._address)
            client.sendall(self._request)
            client.setblocking(False)
            self._rest[client.fileno()] = b""
            self._selector.register(client, selectors.EVENT_READ)
            if number % 20 == 0:
                self.read(0.0)
        while self.connected < count:
            self.read(1.0)

    def read(self, timeout_s: float) -> None:
        """Take what came."""
        for key, _ in self._selector.select(timeout_s):
            client = key.fileobj
            assert isinstance(client, socket.socket)  # noqa: S101 - nothing else was registered
            data = self._rest[key.fd] + client.recv(65536)
            if data == self._rest[key.fd]:
                raise ConnectionError("a listener was cut off")
            *blocks, self._rest[key.fd] = data.split(b"\n\n")
            now = time.time()
            for block in blocks:
                self._note(block, now)

    def _note(self, block: bytes, now: float) -> None:
        self.connected += b"event: state" in block and b"id: " not in block
        at = block.find(MARK)
        if at >= 0:
            self.latencies.append(now - float(block[at + len(MARK) :].partition(b"}")[0]))

    def close(self) -> None:
        """Close all."""
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)  # noqa: S101 - as above
            key.fileobj.close()
        self._selector.close()


def measure(folder: Path, listeners: int, events: int) -> Measured:
    """Start a platform, listen, tell, and give what it cost."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Stack(folder, environ={"SHIPD_NETWORK": "off"}, durable=False) as stack:
        submission_id, execution_id = _submit(stack)
        warm = Listeners(stack.url, stack.api_key, submission_id)
        warm.connect(10)
        warm.close()
        time.sleep(SETTLE_S)
        process = psutil.Process(stack.supervisor.pid("stream")).children()[0]
        before = process.memory_full_info().pss
        all_of_them = Listeners(stack.url, stack.api_key, submission_id)
        began = time.monotonic()
        all_of_them.connect(listeners)
        connecting_s = time.monotonic() - began
        time.sleep(SETTLE_S)
        idle = _cpu_s(process)
        time.sleep(SETTLE_S)
        idle = (_cpu_s(process) - idle) / SETTLE_S
        busy = _cpu_s(process)
        _tell(stack, all_of_them, execution_id, listeners, events)
        after = process.memory_full_info().pss
        spent_us = (_cpu_s(process) - busy) / (listeners * events) * 1e6
        alone = _beside(stack, events)
        all_of_them.close()
        cuts = quantiles(all_of_them.latencies, n=100)
        return {
            "listeners": listeners,
            "events": events,
            "heard": len(all_of_them.latencies),
            "connecting_s": connecting_s,
            "memory_before_bytes": before,
            "memory_bytes": after,
            "memory_per_listener_bytes": (after - before) / listeners,
            "idle_cpu_percent": idle * 100,
            "cpu_us_per_event_and_listener": spent_us,
            "latency_p50_ms": median(all_of_them.latencies) * 1000,
            "latency_p95_ms": cuts[94] * 1000,
            "latency_p99_ms": cuts[98] * 1000,
            "latency_max_ms": max(all_of_them.latencies) * 1000,
            "one_of_many_p50_ms": median(alone) * 1000,
            "one_of_many_p95_ms": quantiles(alone, n=100)[94] * 1000,
        }


def _beside(stack: Stack, events: int) -> list[float]:
    """Tell one listener of its own execution, while all the others are idle."""
    submission_id, execution_id = _submit(stack)
    one = Listeners(stack.url, stack.api_key, submission_id)
    one.connect(1)
    _tell(stack, one, execution_id, 1, events)
    one.close()
    return one.latencies


def _submit(stack: Stack) -> tuple[str, UUID]:
    source = {"type": "code", "content": f"import time; time.sleep({PROGRAM_S})"}
    limits = {"timeout_ms": 300_000, "wall_timeout_ms": PROGRAM_S * 1000 + 10_000}
    body = stack.client.post("/v1/submissions", {"language": "python", "source": source, "constraints": limits}).body
    execution = body.get("execution")
    if not isinstance(execution, dict):
        raise TypeError(f"not accepted: {body}")
    return str(body["id"]), UUID(execution["id"])


def _tell(stack: Stack, listening: Listeners, execution_id: UUID, listeners: int, events: int) -> None:
    told = Live(stack.settings.redis_url)
    for number in range(1, events + 1):
        told.append(execution_id, "output", {"ordinal": 0, "told_at": time.time()})
        deadline = time.monotonic() + 30
        while len(listening.latencies) < number * listeners:
            listening.read(1.0)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(listening.latencies)} of {number * listeners} were heard")
        time.sleep(PAUSE_S)
    told.close()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def table(measured: Measured) -> Table:
    """Draw it."""
    drawn = Table(title="Listeners of one stream process")
    drawn.add_column("what", no_wrap=True)
    drawn.add_column("measured", justify="right", no_wrap=True)
    for name, value in measured.items():
        shown = f"{value / 1024:,.0f} KiB" if name.endswith("_bytes") else f"{value:,.1f}"
        drawn.add_row(name, shown)
    return drawn


def main(arguments: Sequence[str]) -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.listeners", description="Many who listen.")
    parser.add_argument("--listeners", type=int, default=2000)
    parser.add_argument("--events", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="shipd-listeners-") as folder:
        measured = measure(Path(folder), chosen.listeners, chosen.events)
    if chosen.json:
        sys.stdout.write(json.dumps(measured, indent=2) + "\n")
    else:
        Console().print(table(measured))


if __name__ == "__main__":
    main(sys.argv[1:])
