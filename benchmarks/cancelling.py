"""How soon a cancelled program is gone: `python -m benchmarks.cancelling [--times 100]`.

On a platform of its own, over HTTP: a program that spins is sent, found among the worker's processes, and cancelled.
The clock runs from the sending of DELETE until the kernel says that the program, or the last of several, has ended.
"""

import os
import select
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import psutil

from standalone.client import Client
from standalone.stack import Stack

PATIENCE_S = 30.0
LOOK_S = 0.01
SPUN_S = 0.1
SPIN = "while True: pass"
SLOW = """
constexpr unsigned spin() {
    unsigned sum = 0;
    for (unsigned i = 0; i < 200000; i++) for (unsigned j = 0; j < 20; j++) sum += i ^ j;
    return sum;
}
static_assert(spin() != 1);
int main() {}
"""
"""A second or more of a compiler's time, and little memory, whose return takes the kernel its time."""
SENT: Mapping[str, Mapping[str, object]] = {
    "running": {"language": "python", "source": {"type": "code", "content": SPIN}},
    "in two slots": {"language": "python", "source": {"type": "code", "content": SPIN}, "test_cases": [{}] * 8},
    "compiling": {"language": "cpp", "source": {"type": "code", "content": SLOW}, "cache": False},
}


def programs(worker: psutil.Process) -> list[int]:
    """Find the jailed programs that spin: those that only stand ready have not come that far."""
    found = set()
    for process in worker.children(recursive=True):
        try:
            if process.name().startswith("init-"):
                below = process.children(recursive=True)
                found |= {one.pid for one in below if one.cpu_times().user > SPUN_S}
        except psutil.NoSuchProcess:
            continue
    return list(found)


def wait_for_programs(worker: psutil.Process, count: int) -> list[int]:
    """Wait until so many run. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_S
    while len(found := programs(worker)) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_S} s for {count} programs")
        time.sleep(LOOK_S)
    return found


@contextmanager
def watched(pids: Sequence[int]) -> Iterator[list[int]]:
    """Give descriptors that are readable once these processes have ended."""
    with ExitStack() as undo:
        descriptors = []
        for pid in pids:
            descriptors.append(os.pidfd_open(pid))
            undo.callback(os.close, descriptors[-1])
        yield descriptors


def measure(client: Client, worker: psutil.Process, name: str) -> tuple[float, float]:
    """Give the milliseconds until all its programs were gone, and until DELETE was answered."""
    sent = client.post("/v1/submissions", SENT[name])
    found = wait_for_programs(worker, 2 if name == "in two slots" else 1)
    with watched(found) as descriptors, ThreadPoolExecutor(1) as asking:
        began = time.monotonic()
        answer = asking.submit(cancel, client, str(sent.body["id"]))
        for descriptor in descriptors:
            select.select([descriptor], [], [], PATIENCE_S)
        gone = time.monotonic()
        return (gone - began) * 1000, (answer.result() - began) * 1000


def cancel(client: Client, submission_id: str) -> float:
    """Cancel, and give the moment of the answer. Raises RuntimeError for one that is not 200."""
    answer = client.delete(f"/v1/submissions/{submission_id}")
    if answer.status != 200:
        raise RuntimeError(f"DELETE was answered with {answer.status}")
    return time.monotonic()


def told(name: str, values: Sequence[float]) -> str:
    """Give median, 95th percentile and the largest."""
    p95 = statistics.quantiles(values, n=20)[-1]
    return f"{name}: p50 {statistics.median(values):.1f} ms, p95 {p95:.1f} ms, max {max(values):.1f} ms"


@click.command()
@click.option("--times", default=100, show_default=True, help="How often each is cancelled.")
def main(times: int) -> None:
    """Measure, and print a line for each."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), durable=True) as stack:
        worker = psutil.Process(stack.supervisor.pid("worker"))
        for name in SENT:
            found = [measure(stack.client, worker, name) for _ in range(times)]
            click.echo(told(f"{name}, program gone", [gone for gone, _ in found]))
            click.echo(told(f"{name}, DELETE answered", [answered for _, answered in found]))


if __name__ == "__main__":
    main()
