"""Where a submission's CPU time goes, step by step, without processes in between: `python -m benchmarks.steps`.

Each step of the control plane is done many times in this process, against servers of its own, and the CPU time of this
process, of PostgreSQL and of Redis is counted apart. What Celery and gunicorn add between the steps is in
`python -m benchmarks --only control`, which counts whole programs.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import psutil
from rich.console import Console
from rich.table import Table

import migrations
from app import create_app
from app.domain_backend import DomainBackend
from benchmarks.host import scratch
from domain import counting, executions, hosts, keys, queue
from domain.blob_folder import FolderBlobs
from domain.db import Database
from domain.events import Events
from domain.fair import Usual
from domain.host import HostReport
from domain.model import Claim, ExecutionTelemetry, Outcome, Priority, RunTelemetry, TestResult, Usage
from domain.settings import Settings
from domain.verdict import State, Verdict
from standalone import ports
from standalone.servers import Postgres, Valkey
from workers import metrics

WARM = 30
"""How often a step is done before it counts: PostgreSQL plans a statement anew until it saw it ten times."""
BODY: Mapping[str, object] = {
    "language": "python",
    "source": {"type": "code", "content": "print(sum(map(int, input().split())))"},
    "test_cases": [{"input": "1 2"}],
}
SPENT = Usage(10, 20, 3_000_000)
COUNTED = RunTelemetry(cpu_user_ms=8, cpu_system_ms=2, pids_peak=1, page_faults=900, mode="cold", slot=0)
OUTCOME = Outcome(Verdict.OK, None, ExecutionTelemetry(host="bench", worker="bench", versions={"shipd": "0"}))


@dataclass
class Servers:
    """The processes whose CPU time is counted, by name."""

    roots: Mapping[str, psutil.Process]

    def cpu_s(self) -> dict[str, float]:
        """Give what each spent so far, its children included."""
        return {name: sum(map(_cpu_s, [root, *root.children(recursive=True)])) for name, root in self.roots.items()}


def _cpu_s(process: psutil.Process) -> float:
    # In nanoseconds, where cpu_times() counts hundredths of a second.
    threads = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


class Steps:
    """What one submission goes through, each step by itself."""

    def __init__(self, settings: Settings) -> None:
        self.db = Database(settings.database_url)
        self.blobs = FolderBlobs(settings.blob_dir)
        self.events = Events(settings.redis_url)
        self.celery = queue.make_celery(settings)
        key = keys.create(self.db, name="bench", role="service")
        hosts.report(self.db, HostReport("bench", 2, 2**34, root=True, languages={"python": "3"}))
        self.headers = {"Authorization": f"Bearer {key}"}
        self.http = create_app(settings, DomainBackend(settings)).test_client()
        self.posted: list[Any] = []
        self.claims: list[Claim] = []

    def post(self) -> None:
        """Send a submission: its body is read, it is kept, its execution is sent to the queue."""
        answer = self.http.post("/v1/submissions", json=BODY, headers=self.headers)
        assert answer.status_code == 201, answer.text  # noqa: S101 - or nothing is measured
        self.posted.append(answer.json)

    def enqueue(self) -> None:
        """Send an execution to the queue, which POST does too."""
        queue.enqueue(self.celery, UUID(int=1), Priority.NORMAL)

    def claim(self) -> None:
        """Claim what was posted."""
        execution_id = UUID(self.posted[len(self.claims)]["execution"]["id"])
        claimed = executions.claim(self.db, self.blobs, execution_id, worker="bench", lease_s=3600)
        assert claimed is not None  # noqa: S101 - nobody else does
        self.claims.append(claimed)

    def enter(self, number: int) -> None:
        """Say that an execution is running."""
        assert executions.enter(self.db, self.claims[number], State.RUNNING)  # noqa: S101

    def record(self, number: int) -> None:
        """Record a result before the end, as long executions do."""
        assert executions.record(self.db, self.blobs, self.claims[number], [_result()])  # noqa: S101

    def finish(self, number: int) -> None:
        """End an execution; its one result comes with it, as that of short executions does."""
        outcome = replace(OUTCOME, results=(_result(),))
        assert executions.finish(self.db, self.blobs, self.claims[number], outcome)  # noqa: S101

    def note(self, number: int) -> None:
        """Note the end of an execution and its one run for Prometheus: nothing, unless numbers are counted."""
        metrics.ran("python", _result())
        metrics.ended(self.claims[number], OUTCOME, own_ms=20)

    def event(self) -> None:
        """Tell that an execution is done."""
        self.events.publish(UUID(int=1), State.DONE)

    def wait(self, number: int) -> None:
        """Wait for what is done already, and read it: GET with ?wait."""
        answer = self.http.get(f"/v1/submissions/{self.posted[number]['id']}?wait=1", headers=self.headers)
        assert answer.status_code == 200, answer.text  # noqa: S101

    def close(self) -> None:
        """Close all connections."""
        self.db.close()
        self.events.close()
        self.celery.close()


def _result() -> TestResult:
    return TestResult(0, Verdict.OK, exit_code=0, usage=SPENT, telemetry=COUNTED)


def measure(settings: Settings, servers: Servers, times: int) -> dict[str, dict[str, float]]:
    """Do every step for `times` submissions; gives milliseconds of CPU time by step and program."""
    steps, found = Steps(settings), dict[str, dict[str, float]]()

    def count(name: str, step: Callable[[int], object]) -> None:
        for number in range(WARM):
            step(number)
        own, others = time.process_time(), servers.cpu_s()
        for number in range(WARM, WARM + times):
            step(number)
        spent = {"python": time.process_time() - own}
        spent |= {name: seconds - others[name] for name, seconds in servers.cpu_s().items()}
        found[name] = {program: 1000 * seconds / times for program, seconds in spent.items()}

    count("POST", lambda _: steps.post())
    count("of it: to the queue", lambda _: steps.enqueue())
    count("claim", lambda _: steps.claim())
    count("enter", steps.enter)
    count("finish", steps.finish)
    count("numbers", steps.note)
    count("event", lambda _: steps.event())
    count("GET", steps.wait)
    for _ in range(WARM + times):
        steps.post()
        steps.claim()
    count("record", lambda number: steps.record(WARM + times + number))
    steps.close()
    return found


@click.command()
@click.option("--times", default=500, show_default=True, help="Submissions.")
@click.option("--counted", is_flag=True, help="Measure a second time, while numbers are counted for Prometheus.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(*, times: int, counted: bool, as_json: bool) -> None:
    """Measure every step."""
    with scratch() as folder:
        places = [Path(folder) / name for name in ("postgres", "valkey", "blobs")]
        with Postgres(places[0], ports.choose(1)[0]) as postgres, Valkey(places[1], ports.choose(1)[0]) as valkey:
            migrations.upgrade(postgres.url)
            settings = Settings(
                *(postgres.url, valkey.url, valkey.url, Path(folder)),
                blob_dir=places[2],
                log_level="warning",
                usual=Usual(at_once=1_000_000),  # nobody grades here, so no place would ever be free
            )
            roots = {"postgresql": postgres.pid, "redis": valkey.pid}
            servers = Servers({name: psutil.Process(pid) for name, pid in roots.items()})
            found = measure(settings, servers, times)
            if counted:
                counting.begin(Path(folder) / "metrics")
                found |= {f"{name}, counted": spent for name, spent in measure(settings, servers, times).items()}
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("CPU ms", "python", "postgresql", "redis")
    for name, spent in found.items():
        table.add_row(name, *(f"{value:.2f}" for value in spent.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
