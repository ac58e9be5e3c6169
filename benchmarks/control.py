"""The control plane alone: submissions of which nothing is run, and Celery's own no-op tasks on the same broker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import click
import redis
from celery import Celery

from benchmarks.host import progress
from benchmarks.report import Figures
from benchmarks.running import Body, Load, Platform, platform
from benchmarks.samples import percentile
from standalone import tied

BLOCKS = 5
CLIENTS = 8
PARKED = "bench-parked"
"""Where messages wait until all of them are let go at once."""
STAMP_S = 60
STOP_S = 15
IDLE_S = 0.02
TASKS_PER_SUBMISSION = 10
"""How many no-op tasks are timed for each submission: they are that much cheaper."""


def measure(folder: Path, times: int) -> Figures:
    """Measure both in turn: `times` submissions a block, and ten times as many tasks."""
    submissions, starts_ms = Load(), list[float]()
    tasks, seconds = 0, 0.0
    with platform(folder, "benchmarks.noop_worker") as running, _celery(running) as noop:
        noop.stamped(noop.queue)
        running.load(Load(), CLIENTS, CLIENTS, nothing_expected)
        for _ in progress(range(BLOCKS), "control plane"):
            running.load(submissions, times, CLIENTS, nothing_expected)
            seconds += noop.drain(times * TASKS_PER_SUBMISSION)
            tasks += times * TASKS_PER_SUBMISSION
            starts_ms += [noop.start_ms() for _ in range(times // BLOCKS + 1)]
    found = submissions.figures(99)
    return {
        "control": {
            "per_s": found["per_s"],
            "cpu_ms": found["cpu_ms"],
            "celery_noop_per_s": tasks / seconds,
        },
        "more/control": {
            "p50_ms": found["p50_ms"],
            "p99_ms": found["p99_ms"],
            "celery_start_p50_ms": percentile(starts_ms, 50),
            "celery_start_p99_ms": percentile(starts_ms, 99),
        },
    }


def nothing_expected(_: int) -> Body:
    """Give a submission that is right whatever comes out of it."""
    return {
        "language": "python",
        "source": {"type": "code", "content": "print(sum(map(int, input().split())))"},
        "test_cases": [{"input": "1 2"}],
    }


class Noop:
    """Celery's side: tasks are sent from here and run by a worker that does nothing else."""

    def __init__(self, url: str, queue: str, noop: str, stamp: str) -> None:
        self.redis = redis.Redis.from_url(url)
        self.celery = Celery("bench", broker=url, set_as_current=False)
        self.celery.conf.update(task_ignore_result=True)
        self.queue = queue
        self._noop = noop
        self._stamp = stamp

    def drain(self, count: int) -> float:
        """Let `count` tasks go at once, all sent before; gives the seconds until the last has run.

        Sending is not counted, in Celery's favour: what is sent meanwhile takes CPU time from who runs.
        """
        for _ in range(count - 1):
            self.celery.send_task(self._noop, queue=PARKED)
        key = self._send_stamp(PARKED)
        began = time.monotonic()
        self.redis.rename(PARKED, self.queue)
        return self._stamped_at(key) - began

    def start_ms(self) -> float:
        """Send one task to a worker that waits; gives the time until it runs."""
        time.sleep(IDLE_S)
        began = time.monotonic()
        return 1000 * (self.stamped(self.queue) - began)

    def stamped(self, queue: str) -> float:
        """Send one task and give the moment at which it ran."""
        return self._stamped_at(self._send_stamp(queue))

    def _send_stamp(self, queue: str) -> str:
        key = f"bench-stamp-{uuid4()}"
        self.celery.send_task(self._stamp, args=[key], queue=queue)
        return key

    def _stamped_at(self, key: str) -> float:
        found = self.redis.blpop([key], STAMP_S)
        if not isinstance(found, tuple):
            raise click.ClickException(f"Celery ran no task within {STAMP_S} s")
        return float(found[1])

    def close(self) -> None:
        """Close the connections."""
        self.celery.close()
        self.redis.close()


@contextmanager
def _celery(running: Platform) -> Iterator[Noop]:
    """Start a plain Celery worker with a process for every CPU, as the platform's own has."""
    argv = [sys.executable, "-m", "celery", "--app", "benchmarks.celery_noop:celery", "worker"]
    options = ["--queues=bench", "--hostname=bench@%h", "--loglevel=error", "--without-mingle", "--without-gossip"]
    worker = subprocess.Popen(
        tied.argv([*argv, *options, f"--concurrency={len(os.sched_getaffinity(0))}"], on_death=signal.SIGTERM),
        env={**os.environ, "BENCH_REDIS_URL": running.redis_url, "PYTHONWARNINGS": "ignore:You're running the worker"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    noop = Noop(running.redis_url, "bench", "bench.noop", "bench.stamp")
    try:
        yield noop
    finally:
        noop.close()
        worker.terminate()
        try:
            worker.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
