"""A regrade whose worker and sweeper are killed: `python -m benchmarks.regrading --count 5000 --kills 2`.

On a platform of its own, whose worker runs nothing: what is measured is who queues what, and how fast. Submissions are
graded once, a third of them is then said to have been accepted though it is not, and all are graded again, with SIGKILL
for the worker (its whole pool) and the sweeper at even distances. What it prints, and the exit code, say whether counts
and table are right, and whether anything was graded twice or forgotten.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import UUID

import click
import psutil

from benchmarks.host import end_in_order, progress
from domain import regrade, regrade_diff, regrade_end, regrade_start
from domain.db import Database
from domain.regrade import Options, Regrade, RegradeState
from domain.regrade_selection import Selection
from standalone.programs import Program
from standalone.stack import Stack

PROBLEM = "regraded"
BATCH = 500
ASK_S = 0.1
PATIENCE_S = 1800
BY = "benchmarks.regrading"
NOOP = Program("worker", (sys.executable, "-m", "benchmarks.noop_worker"), stop_wait_s=30)
KILLED = ("worker", "beat")

_LEFT = b"SELECT count(*) FROM executions WHERE state NOT IN ('done', 'cancelled')"
# The program says nothing, so what expects something is wrong; before, somebody thought otherwise.
_ACCEPT = b"UPDATE executions SET verdict = 'AC', reason = NULL WHERE verdict = 'WA'"
_NUMBERS = b"SELECT number, count(*), count(DISTINCT submission_id) FROM executions GROUP BY number ORDER BY number"
_RESULTS = b"SELECT count(*), count(DISTINCT execution_id) FROM test_results"


def fill(stack: Stack, db: Database, count: int) -> None:
    """Have so many submissions graded, in batches. Raises ClickException where one is refused."""
    for start in progress(range(0, count, BATCH), "submitting"):
        bodies = [_body(number) for number in range(start, min(start + BATCH, count))]
        answer = stack.client.post("/v1/batches", {"submissions": bodies, "atomic": True})
        if answer.status != 201:
            raise click.ClickException(f"HTTP {answer.status}: {answer.body}")
    _until(lambda: _one(db, _LEFT)[0] == 0, "the first grading")
    with db.statement() as tx:
        tx.execute(_ACCEPT)


def _body(number: int) -> dict[str, object]:
    return {
        "language": "python",
        "source": {"type": "code", "content": f"pass  # {number}"},
        "problem_id": PROBLEM,
        "test_cases": [{"expected_output": "" if number % 3 else "something"}],
    }


def kill(stack: Stack) -> None:
    """Kill worker and sweeper with all their processes; the process manager starts them again."""
    for name in KILLED:
        pid = stack.supervisor.pid(name)
        if pid == 0:
            continue  # it is being started
        below = psutil.Process(pid).children(recursive=True)
        os.kill(pid, signal.SIGKILL)
        for process in below:
            if process.is_running():
                process.kill()


def measure(stack: Stack, db: Database, count: int, kills: int) -> dict[str, object]:
    """Grade all again with kills meanwhile; gives seconds, and what was found."""
    made = regrade_start.start(db, Selection(problem_id=PROBLEM), Options(), BY)
    began = time.monotonic()
    for number in range(1, kills + 1):
        least = count * number // (kills + 1)
        _reach(db, made.id, least)
        click.echo(f"{time.monotonic() - began:.1f} s: {least} done, killing {' and '.join(KILLED)}", err=True)
        kill(stack)
    _until(lambda: regrade.get(db, made.id).state is RegradeState.READY, "the end of the regrade")
    seconds = time.monotonic() - began
    found = regrade.get(db, made.id)
    applied, _ = regrade_end.apply(db, made.id, BY)
    return {
        "count": count,
        "kills": kills,
        "seconds": round(seconds, 1),
        "per_s": round(count / seconds, 1),
        **_compared(db, found, applied, count),
    }


def _reach(db: Database, regrade_id: UUID, least: int) -> None:
    _until(lambda: regrade.get(db, regrade_id).done >= least, f"{least} that are done")


def _compared(db: Database, found: Regrade, applied: Regrade, count: int) -> dict[str, object]:
    """Compare what is there with what should be."""
    wrong = len(range(0, count, 3))
    table = {f"{move.old} -> {move.new}": move.count for move in regrade_diff.matrix(db, found.id)}
    with db.statement() as tx:
        numbers = [tuple(row) for row in tx.execute(_NUMBERS)]
    counts = {"done": found.done, "changed": found.changed, "failed": found.failed, "applied": applied.applied}
    right = (
        counts == {"done": count, "changed": wrong, "failed": 0, "applied": count}
        and table == {"AC -> AC": count - wrong, "AC -> WA": wrong}
        and numbers == [(1, count, count), (2, count, count)]
        and _one(db, _RESULTS) == (2 * count, 2 * count)
    )
    return {**counts, "table": table, "executions_by_number": numbers, "right": right}


def _one(db: Database, command: bytes) -> tuple[int, ...]:
    with db.statement() as tx:
        return tx.execute(command).fetchone() or ()


def _until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        if time.monotonic() > deadline:
            raise click.ClickException(f"waited {PATIENCE_S} s in vain for {what}")
        time.sleep(ASK_S)


@click.command()
@click.option("--count", default=5000, show_default=True, type=click.IntRange(10), help="Submissions.")
@click.option("--kills", default=2, show_default=True, type=click.IntRange(0), help="How often all is killed.")
def main(*, count: int, kills: int) -> None:
    """Grade many again, killing who does it; exits with 1 where anything is not as it should be."""
    end_in_order()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), worker=NOOP) as stack,
        closing(Database(stack.settings.database_url)) as db,
    ):
        fill(stack, db, count)
        found = measure(stack, db, count, kills)
    click.echo(json.dumps(found, indent=2))
    raise SystemExit(0 if found["right"] else 1)


if __name__ == "__main__":
    main()
