import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import sampled
from sandbox.limits import MIB, Limits
from sandbox.sampled import SampledGroup, SampledHierarchy, Spent
from tests.waiting import eventually

# A process of our own stands for a jail's init; what it starts is the run.
LIMITS = Limits(1000, 3000, 64 * MIB, 10, MIB, 9)

INIT = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(child.pid, flush=True)
for line in sys.stdin:
    child.stdin.write(line.encode()); child.stdin.flush()
    sys.stdout.write(child.stdout.readline().decode()); sys.stdout.flush()
child.stdin.close(); child.stdout.close(); child.wait()
"""
OBEY = "import os, sys, threading, time\nfor line in sys.stdin:\n exec(line); print('done', flush=True)"


@contextmanager
def run() -> Iterator[tuple[SampledGroup, Callable[[str], None]]]:
    """A group that watches a Python, and what makes that Python do something."""
    with subprocess.Popen(
        [sys.executable, "-c", INIT, OBEY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as init:
        assert init.stdin is not None
        assert init.stdout is not None
        pid = int(init.stdout.readline())
        stdin, stdout = init.stdin, init.stdout

        def do(line: str) -> None:
            stdin.write(f"{line}\n")
            stdin.flush()
            assert stdout.readline() == "done\n"

        group = SampledHierarchy().create("0")
        group.let_in(pid)
        group.limit(LIMITS)
        do("pass")  # its start is no part of what is counted after this
        try:
            yield group, do
        finally:
            group.remove()
            stdin.close()


@pytest.fixture(autouse=True)
def no_scratch_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """These processes have no jail's /tmp: the host's own is not theirs alone."""
    monkeypatch.setattr(sampled, "SCRATCH_FOLDERS", ())


SPIN = "e = time.process_time() + {}\nwhile time.process_time() < e: pass"


def spin(seconds: float) -> str:
    return f"exec({SPIN.format(seconds)!r})"


def test_a_slot_needs_no_preparing() -> None:
    SampledHierarchy().prepare_slot("0", (0,))
    assert SampledHierarchy.version == "none"


def test_it_counts_cpu_and_memory() -> None:
    with run() as (group, do):
        before = group.cpu_us()
        do(spin(0.1))
        do(f"data = b'x' * {20 * MIB}")
        assert group.cpu_us() - before >= 100_000
        stats = group.stats()
        assert stats.memory_peak_bytes is not None
        assert stats.memory_peak_bytes > 20 * MIB
        assert (stats.pids_peak, stats.oom_kills, stats.forks_refused, stats.user_us) == (1, 0, 0, None)
        assert (group.source, group.tick_s) == ("sampled", sampled.TICK_S)


def test_a_child_that_was_waited_for_counts_once() -> None:
    """Up to three attempts: on a busy machine what is not spinning takes its share too, but not each time."""

    def spent_us() -> int:
        with run() as (group, do):
            before = group.cpu_us()
            do(f"pid = os.fork() or (exec({SPIN.format(0.6)!r}), os._exit(0)); time.sleep(0.1)")
            assert group.cpu_us() > before
            do("os.waitpid(pid, 0)")
            spent = group.cpu_us() - before
        assert spent >= 590_000
        return spent

    assert any(spent_us() <= 1_140_000 for _ in range(3))  # twice would be 1.2 s


def test_a_child_that_nobody_waits_for_counts_too() -> None:
    with run() as (group, do):
        before = group.cpu_us()
        do("import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)")
        do(f"r, w = os.pipe(); pid = os.fork() or (exec({SPIN.format(0.1)!r}), os.read(r, 1), os._exit(0))")
        deadline = time.monotonic() + 10
        while group.cpu_us() - before < 90_000 and time.monotonic() < deadline:
            pass
        seen = group.cpu_us()
        do("os.write(w, b'x'); time.sleep(0.05)")
        assert group.cpu_us() >= seen


def test_children_of_every_thread_are_seen() -> None:
    with run() as (group, do):
        do("t = threading.Thread(target=lambda: (os.fork(), time.sleep(60)), daemon=True); t.start(); time.sleep(0.05)")
        eventually(lambda: group.cpu_us() >= 0 and group.stats().pids_peak == 2)
        for child in sampled._children(group.first):
            for grandchild in list(sampled._children(child)):
                os.kill(grandchild, 9)


def test_memory_above_the_limit_is_noticed() -> None:
    with run() as (group, do):
        assert group.memory_exceeded() is False
        do(f"data = b'x' * {80 * MIB}")
        group.cpu_us()
        assert group.memory_exceeded() is True
        assert group.stats().oom_kills == 1


def test_files_of_the_box_count_as_memory() -> None:
    with run() as (group, _):
        group.watch_files(lambda: 100 * MIB)
        group.cpu_us()
        assert group.memory_exceeded() is True


def test_scratch_folders_are_held_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "SCRATCH_FOLDERS", ("tmp", "dev/shm"))
    with run() as (group, _):
        assert len(group._folders) == 2
        assert group._file_bytes() >= 0
    assert group._folders == []


def test_what_was_seen_last_stands_after_the_end() -> None:
    with run() as (group, do):
        do(spin(0.05))
        seen = group.cpu_us()
    assert group.cpu_us() >= seen
    assert group.stats().memory_peak_bytes


def test_a_process_that_only_changed_its_parent_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    group = SampledGroup()
    group.first = os.getpid()
    group.seen = {os.getpid(): Spent(1, 500, 0)}
    monkeypatch.setattr(sampled, "_collected_us", lambda _: 0)
    group._account({})
    assert (group.gone_us, group.seen) == ({}, {os.getpid(): Spent(1, 500, 0)})


def test_what_ended_processes_had_spent_goes_up_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)
    monkeypatch.setattr(sampled, "_collected_us", lambda _: 0)
    group = SampledGroup()
    group.first = 1
    # 2 made 3, which had collected 70 of children that were seen with 50, and made 4, which nobody will wait for.
    group.seen = {2: Spent(1, 100, 0), 3: Spent(2, 30, 70), 4: Spent(3, 7, 0)}
    group.gone_us = {3: 50}
    group._account({})
    assert group.gone_us == {1: 200, 2: 100, 3: 57}
    assert group._spent_us() == 200


def test_the_clock_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a look found stands, even where the processes that spent it have come out of sight since."""
    group = SampledGroup()
    group.first = os.getpid()
    found = iter([500, 300, 300, 700])
    monkeypatch.setattr(SampledGroup, "_sample", lambda _: None)
    monkeypatch.setattr(SampledGroup, "_spent_us", lambda _: next(found))
    assert [group.cpu_us(), group.cpu_us(), group.stats().cpu_us, group.stats().cpu_us] == [500, 500, 500, 700]


def test_a_process_that_is_gone_has_nothing() -> None:
    with subprocess.Popen(["/usr/bin/true"]) as process:
        process.wait()
        assert list(sampled._children(process.pid)) == []
        assert sampled._spent(process.pid, 1, None) == Spent(1, 0, 0)
        assert sampled._held(process.pid, alone=True) == sampled.Held(0, 0)
        assert sampled._held(process.pid, alone=False) == sampled.Held(0, 0)
