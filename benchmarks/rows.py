"""How writing and reading slow down as rows add up: `make bench-rows`, in a PostgreSQL of its own that is gone after.

The calls are those of API, worker and sweeper, against 1 M and 10 M finished submissions.
"""

import itertools
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import click
import psycopg

import migrations
from benchmarks import filling, leftovers, machine, report
from benchmarks.filling import Template
from benchmarks.host import end_in_order, progress
from benchmarks.looking import Look, looks
from benchmarks.programs import A_PLUS_B, STDIN, STDOUT
from benchmarks.samples import percentile
from domain import executions, hosts, keys, listing, submissions
from domain.blob_folder import FolderBlobs
from domain.blobs import BlobStore
from domain.db import Database
from domain.host import HostReport
from domain.ids import new_id
from domain.model import (
    Claim,
    ExecutionTelemetry,
    Expectation,
    File,
    Outcome,
    Phases,
    RunTelemetry,
    Submission,
    TestCase,
    TestResult,
    Usage,
)
from domain.verdict import State, Verdict
from standalone import ports
from standalone.servers import Postgres

GIB = 1 << 30
MOST_BYTES = 15 * GIB
LEAVE_BYTES = 4 * GIB
"""What stays free on the disk, whatever is asked for."""
LEASE_S = 30
PAGE = 50
WARM_UP = 20
MOST_PARTITIONS = {"list": PAGE, "sweep": 1000}
"""Into how many partitions a call may look, 1 if it is not named: a page may be of several, and what was left behind
may be anywhere (in each an index is looked into that holds only what is not over)."""
SCATTER = 2_654_435_761
"""Multiples of it, modulo a number of rows, lie all over them: the next one read is in nobody's cache."""
Found = TypeVar("Found")


@dataclass
class Calls:
    """The calls whose time is taken, and the times."""

    db: Database
    blobs: BlobStore
    owner: UUID
    spent_ms: dict[str, list[float]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    looked: dict[str, list[Look]] = field(default_factory=dict)
    """What each call looked into, where that is asked for."""
    _looks: list[Look] | None = None

    def round(self, count: int) -> Template:
        """Grade one submission as the platform does, and read others among `count`."""
        new, nothing = _submission(), lambda *_: None
        view = self._timed(
            "create",
            lambda: submissions.create(
                self.db,
                self.blobs,
                new,
                owner_id=self.owner,
                submission_id=new_id(),
                body_sha256=bytes(32),
                enqueue=nothing,
            ),
        )
        self._grade(view.execution.id)
        self._timed("get, new", lambda: submissions.get(self.db, self.blobs, view.id, self.owner))
        if count:
            old = filling.submission_id(filling.with_parts(next(self.numbers) * SCATTER % count))
            self._timed("get, old", lambda: submissions.get(self.db, self.blobs, old, self.owner))
        self._timed("state", lambda: submissions.state_of(self.db, view.execution.id))
        self._timed("list", lambda: listing.page(self.db, self.owner, before=None, limit=PAGE))
        self._timed("sweep", lambda: executions.sweep(self.db, message_lost_s=LEASE_S, max_attempts=3, no_host_s=600))
        return Template(view.id, view.execution.id)

    def _grade(self, execution_id: UUID) -> None:
        claim = self._timed("claim", lambda: self._claim(execution_id))
        self._timed("enter", lambda: executions.enter(self.db, claim, State.RUNNING))
        self._timed("record", lambda: executions.record(self.db, self.blobs, claim, [_result()]))
        self._timed("finish", lambda: executions.finish(self.db, self.blobs, claim, _outcome()))

    def _claim(self, execution_id: UUID) -> Claim:
        claim = executions.claim(self.db, self.blobs, execution_id, worker="bench/1", lease_s=LEASE_S, max_attempts=3)
        if claim is None:
            raise click.ClickException(f"execution {execution_id} could not be claimed")
        return claim

    def _timed(self, name: str, call: Callable[[], Found]) -> Found:
        began = time.perf_counter()
        found = call()
        self.spent_ms.setdefault(name, []).append(1000 * (time.perf_counter() - began))
        if self._looks is not None:
            self.looked[name] = self._looks.copy()
            self._looks.clear()
        return found

    @contextmanager
    def explained(self, url: str) -> Iterator[None]:
        """Have every statement explained (`looking`), instead of timed."""
        with looks(url) as self._looks:
            yield
        self._looks = None

    def figures(self) -> dict[str, dict[str, float]]:
        """Give the times by call, and forget them."""
        spent, self.spent_ms = self.spent_ms, {}
        return {
            name: {"p50_ms": percentile(values, 50), "p99_ms": percentile(values, 99)} for name, values in spent.items()
        }


def _submission() -> Submission:
    language, file, source = A_PLUS_B["python"]
    cases = (TestCase(0, "1", STDIN, expected=Expectation(STDOUT)),)
    return Submission(language, (File(file, source.encode()),), file, cases)


def _result() -> TestResult:
    usage, telemetry = Usage(12, 20, 9 << 20), RunTelemetry(10, 2, 1, 900, 0, 5, sources={"cpu_user_ms": "cgroup"})
    return TestResult(0, Verdict.AC, exit_code=0, stdout=STDOUT, stderr=b"", usage=usage, telemetry=telemetry)


def _outcome() -> Outcome:
    known = ExecutionTelemetry(Phases(5, 0, None, 30, 0, 0), "bench", "bench/1", {"shipd": "0"})
    return Outcome(Verdict.AC, None, known)


def measure(url: str, folder: Path, sizes: Sequence[int], times: int) -> report.Figures:
    """Fill a new database to each of the sizes, and measure there."""
    migrations.upgrade(url)
    found: report.Figures = {}
    with closing(Database(url, max_size=2)) as db, closing(psycopg.connect(url, autocommit=True)) as connection:
        filling.cut(connection)
        calls = Calls(db, FolderBlobs(folder / "blobs"), _owner(db))
        template = calls.round(0)
        there = 0
        for size in sorted(sizes):
            _fill(connection, template, there, size, folder)
            there = size
            found |= _measured(calls, connection, url, size, times)
    return found


def _owner(db: Database) -> UUID:
    hosts.report(db, HostReport("bench", 2, 64 * GIB, root=True, languages={"python": "3"}, missing={}))
    key = keys.verify(db, keys.create(db, name="bench", role="admin"))
    assert key is not None  # noqa: S101 - made above
    return key.id


def _fill(connection: psycopg.Connection, template: Template, start: int, end: int, folder: Path) -> None:
    for first, last in progress(filling.batches(start, end), f"{end:,} rows"):
        filling.fill(connection, template, first, last)
        used = _size(connection)
        wanted = used / last * end
        free = shutil.disk_usage(folder).free - LEAVE_BYTES
        if wanted > MOST_BYTES or wanted - used > free:
            raise click.ClickException(
                f"{end:,} submissions would take {wanted / GIB:.1f} GiB; {free / GIB:.1f} GiB are free beside what is"
                f" left alone, and {MOST_BYTES / GIB:.0f} GiB is the most: ask for fewer with --sizes"
            )
    connection.execute("VACUUM (ANALYZE)")


def _size(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None  # noqa: S101 - it always says one
    return int(row[0])


def _measured(calls: Calls, connection: psycopg.Connection, url: str, size: int, times: int) -> report.Figures:
    for _ in range(WARM_UP):
        calls.round(size)
    calls.spent_ms.clear()
    for _ in progress(range(times), f"calls among {size:,}"):
        calls.round(size)
    figures = {f"rows/{size}/{name}": numbers for name, numbers in calls.figures().items()}
    for name, found in looked(calls, url, size).items():
        figures[f"rows/{size}/{name}"] |= found
    return {**figures, f"rows/{size}/database": {"gib": _size(connection) / GIB}}


def looked(calls: Calls, url: str, size: int) -> dict[str, dict[str, float]]:
    """Say what each call looks into. Raises click.ClickException where that is more than it should be."""
    with calls.explained(url):
        for _ in range(2):  # at first functions are made ready, which is no part of a call
            calls.round(size)
    figures, wrong = {}, []
    for name, found in calls.looked.items():
        used = max(len(one.partitions) for one in found)
        figures[name] = {
            "partitions": float(used),
            "index_only": float(any(one.index_only for one in found)),
            "buffers": float(sum(one.buffers for one in found)),
        }
        if used > MOST_PARTITIONS.get(name, 1) or any(one.whole for one in found if name not in MOST_PARTITIONS):
            wrong += [f"{name}: {sorted(one.partitions)}, whole {sorted(one.whole)}: {one.statement}" for one in found]
    if wrong:
        raise click.ClickException("\n".join(["these look into more partitions than they should:", *wrong]))
    calls.spent_ms.clear()
    return figures


@contextmanager
def _postgres(folder: Path) -> Iterator[Postgres]:
    """Start a PostgreSQL in a new folder, as durable as the platform's; both are gone afterwards."""
    folder.mkdir(parents=True)
    try:
        port = ports.remembered(folder / "ports.json", [Postgres.name])[Postgres.name]
        with Postgres(folder / Postgres.name, port) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@click.command()
@click.option("--sizes", default="1000000,10000000", show_default=True, help="Numbers of submissions, with commas.")
@click.option("--times", default=200, show_default=True, help="Calls of each kind at each size.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("var/bench"), show_default=True)
def main(*, sizes: str, times: int, folder: Path) -> None:
    """Measure the hot calls among many rows, print a table, and write FOLDER/rows.json."""
    end_in_order()
    leftovers.remove(folder)
    scratch = folder.absolute() / f"rows-{os.getpid()}"
    with _postgres(scratch) as server:
        figures = measure(server.url, scratch, [int(size) for size in sizes.split(",")], times)
    on = machine.describe()
    run = {"times": times}
    (folder / "rows.json").write_text(
        json.dumps({**report.nested(figures), "machine": on, "run": run}, indent=2) + "\n"
    )
    click.echo(report.markdown(figures, on, run))


if __name__ == "__main__":
    main()
