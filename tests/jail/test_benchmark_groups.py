"""What `make bench` counts CPU time by: nothing that runs may be missing."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import pytest

from benchmarks.child import Child
from benchmarks.groups import Group, of_instance, own_group
from benchmarks.modes import Bare, cold
from sandbox import Cause, Command, Limits, Sandbox
from sandbox.limits import MIB

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes control groups")

SPIN_MS = 300
# Not from the start of the process: what it spent before it was moved into its group is not the group's.
SPIN = f"import time\nbegan = time.process_time()\nwhile time.process_time() - began < {SPIN_MS / 1000}: pass"


@contextmanager
def spinning(group: Group) -> Iterator[None]:
    with Popen([sys.executable, "-c", f"input()\n{SPIN}"], stdin=-1) as process:
        group.add(process.pid)
        yield
        process.communicate(b"\n")
        assert process.returncode == 0


def test_a_group_counts_what_ended_in_it() -> None:
    with own_group("test") as group:
        before = group.cpu_s()
        with spinning(group):
            pass
        assert group.cpu_s() - before >= 0.9 * SPIN_MS / 1000
        assert group.memory_bytes() >= 0


def test_a_group_is_gone_afterwards_with_what_still_ran_in_it() -> None:
    with Popen([sys.executable, "-c", "input()"], stdin=-1) as process:
        with own_group("test") as group:
            group.add(process.pid)
            assert group.cpu.exists()
        assert process.wait() == -9
        assert not group.cpu.exists()
        assert not group.memory.exists()


def test_the_cpu_time_of_a_jailed_program_stays_with_its_instance(sandbox: Sandbox) -> None:
    if sandbox.config.cgroups == "none":
        return  # nobody is moved: everything stays where the keeper is
    group = of_instance(sandbox.config.instance)
    limits = Limits(10 * SPIN_MS, 60_000, 64 * MIB, 4096, MIB, 8)
    with sandbox.slot() as slot:
        before = group.cpu_s()
        with sandbox.jail(slot, limits, MIB) as jail:
            jail.box.write("main.py", SPIN.encode())
            result = jail.run(Command(("/usr/bin/python3", "main.py"), "python"), limits)
        assert result.cause is Cause.EXIT
        assert group.cpu_s() - before >= 0.9 * SPIN_MS / 1000


def test_a_child_answers_in_its_group_and_ends_with_it(tmp_path: Path) -> None:
    with own_group("test") as group:
        with Child("benchmarks.lane", ("bare", "python", str(tmp_path)), group) as child:
            assert child.ask("ready") is True
            assert 0 < child.ask("run") < 60
            assert str(child.process.pid) in (group.cpu / "cgroup.procs").read_text().split()
        assert child.process.returncode == 0


def test_a_mode_says_how_long_a_run_took(tmp_path: Path) -> None:
    with cold("python", tmp_path) as mode:
        began = time.perf_counter()
        took = mode.run()
        assert 0 < took <= time.perf_counter() - began


def test_a_run_without_a_jail_must_print_what_is_right() -> None:
    with pytest.raises(Exception, match="printed b'', not b'42"):
        Bare(("/bin/sh", "-c", "read line"), {}).run()
