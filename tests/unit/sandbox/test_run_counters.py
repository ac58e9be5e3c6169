import os
import subprocess

import pytest

from sandbox import counters
from sandbox.counters import PerfCounters, bytes_moved
from tests.descriptors import open_descriptors


def test_without_a_process_nothing_is_counted() -> None:
    events = PerfCounters(None)
    assert events.read() == {}
    events.close()


def test_events_that_the_kernel_refuses_are_simply_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    counters._wanted()  # is remembered for as long as the process
    monkeypatch.setattr(counters, "_open", lambda *_: None)
    events = PerfCounters(os.getpid())
    assert events.read() == {}
    events.close()


def test_an_unknown_machine_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "_SYS_PERF_EVENT_OPEN", {})
    assert counters._open(1, 2, os.getpid(), 0) is None


def test_it_gives_its_descriptors_back() -> None:
    counters._wanted()  # keeps one of its own for as long as the process
    before = open_descriptors()
    events = PerfCounters(os.getpid())
    events.close()
    events.close()
    assert open_descriptors() <= before


def test_it_says_what_was_read_and_written() -> None:
    moved = bytes_moved(os.getpid())
    assert set(moved) == {"bytes_read", "bytes_written"}
    assert moved["bytes_read"] > 0


def test_what_a_process_moved_that_is_gone_is_unknown() -> None:
    with subprocess.Popen(["/usr/bin/true"]) as process:
        process.wait()
    assert bytes_moved(process.pid) == {}
