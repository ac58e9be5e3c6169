"""A platform of the benchmark's own, its CPU time counted, and a client that costs little beside it."""

import http.client
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from benchmarks import groups
from benchmarks.child import Child
from benchmarks.groups import Group, own_group
from benchmarks.samples import percentile

WAIT_S = 60
SETTLE_S = 0.2
"""What the platform may still have to do after the last answer: acknowledge a message, remove a control group."""

Body = Mapping[str, object]


@dataclass
class Load:
    """What a number of submissions came to."""

    latencies_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    """While submissions were under way."""
    cpu_s: float = 0.0
    """Of the whole platform."""

    def figures(self, percent: int = 95) -> dict[str, float]:
        """Give the figures of all submissions together."""
        count = len(self.latencies_ms)
        return {
            "per_s": count / self.seconds,
            "p50_ms": percentile(self.latencies_ms, 50),
            f"p{percent}_ms": percentile(self.latencies_ms, percent),
            "cpu_ms": 1000 * self.cpu_s / count,
        }


class Connection:
    """One client of a platform, over one connection."""

    def __init__(self, url: str, api_key: str) -> None:
        place = urlsplit(url)
        self.connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=2 * WAIT_S)
        self.headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def submit(self, body: Body) -> tuple[float, dict[str, Any]]:
        """Post a submission and wait for its end; gives milliseconds and the execution. Raises ClickException."""
        data = json.dumps(body).encode()
        began = time.perf_counter()
        self.connection.request("POST", f"/v1/submissions?wait={WAIT_S}", data, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        took = 1000 * (time.perf_counter() - began)
        if answer.status != http.client.CREATED:
            raise click.ClickException(f"HTTP {answer.status}: {content[:500]!r}")
        execution = json.loads(content)["execution"]
        if execution["verdict"] not in {"AC", "OK"}:
            raise click.ClickException(f"{execution['state']}: {execution['verdict']} {execution['reason']}")
        return took, execution

    def close(self) -> None:
        """Close it."""
        self.connection.close()


@dataclass(frozen=True)
class Platform:
    """A platform that is up, and the groups that hold all of it.

    The first has the process that started it, and so everything that this started: the process manager, API, workers,
    beat, Flower, PostgreSQL, Valkey, and every nsjail. Nobody leaves it but jailed programs, which the sandbox moves
    below the second. So the sum is everything but the client and the kernel's own threads.
    """

    url: str
    api_key: str
    redis_url: str
    counted: tuple[Group, ...]
    database_url: str = field(default="", repr=False)
    pid: int = 0
    """Of the process that started it: all of its programs descend from there."""

    def cpu_s(self) -> float:
        """Give all CPU time that the platform spent so far."""
        return sum(group.cpu_s() for group in self.counted)

    def load(self, into: Load, count: int, clients: int, body: Callable[[int], Body]) -> list[dict[str, Any]]:
        """Send `count` submissions, `clients` at a time, each as soon as one before it has ended; give executions."""
        numbers, lock = iter(range(count)), threading.Lock()
        executions: list[dict[str, Any]] = []
        errors: list[BaseException] = []

        def work() -> None:
            connection = Connection(self.url, self.api_key)
            try:
                while not errors:
                    with lock:
                        number = next(numbers, None)
                    if number is None:
                        return
                    took, execution = connection.submit(body(number))
                    into.latencies_ms.append(took)
                    executions.append(execution)
            except (OSError, http.client.HTTPException, click.ClickException) as error:
                errors.append(error)
            finally:
                connection.close()

        cpu_before_s, began = self.cpu_s(), time.perf_counter()
        _together([work] * min(clients, count))
        into.seconds += time.perf_counter() - began
        time.sleep(SETTLE_S)
        into.cpu_s += self.cpu_s() - cpu_before_s
        if errors:
            raise click.ClickException(f"{self.url}: {errors[0]}") from errors[0]
        return executions


def _together(works: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def platform(folder: Path, *worker: str) -> Iterator[Platform]:
    """Start a platform in a new folder, with another worker where its module is named; nothing of it is left."""
    folder = folder.absolute() / f"platform-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        with own_group("platform") as group, Child("benchmarks.stack_host", (str(folder), *worker), group) as child:
            said = child.ask("start")
            counted = (group, groups.of_instance(said["instance"]))
            places = (said["url"], said["api_key"], said["redis_url"])
            yield Platform(*places, counted, said["database_url"], said["pid"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
