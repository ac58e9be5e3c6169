import os
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from sandbox import Cause, Sandbox
from sandbox.cgroup_v2 import CONTROLLERS, REST, GroupV2, HierarchyV2
from tests.jail.conftest import ORDINARY_UID, TIME_FACTOR, TREE_V2, as_ordinary_user, ask_over
from tests.jail.running import MIB, Runner, at_pace, limits


@pytest.fixture
def hierarchy(sandboxes: Mapping[str, Sandbox]) -> HierarchyV2:
    """What was found here."""
    found = sandboxes["cgroup"].parts.hierarchy
    assert isinstance(found, HierarchyV2)
    return found


@pytest.fixture
def group(sandboxes: Mapping[str, Sandbox], hierarchy: HierarchyV2) -> Iterator[GroupV2]:
    """The group of a run that never begins."""
    with sandboxes["cgroup"].slot() as slot:
        made = hierarchy.create(slot.name)
        made.limit(limits(cpu_millicores=250, memory_bytes=32 * MIB, processes=8))
        yield made
        made.remove()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory.max", str(32 * MIB)),
        ("memory.swap.max", "0"),
        ("memory.oom.group", "1"),
        ("pids.max", "8"),
        ("cpu.max", "5000 20000"),
        ("cpuset.cpus.effective", "0"),
    ],
)
def test_limits_stand_in_the_kernels_files(group: GroupV2, name: str, value: str) -> None:
    assert (group.path / name).read_text().strip() == value


def test_whole_cpus_have_no_quota(sandboxes: Mapping[str, Sandbox], hierarchy: HierarchyV2) -> None:
    with sandboxes["cgroup"].slot() as slot:
        group = hierarchy.create(slot.name)
        group.limit(limits())
        assert (group.path / "cpu.max").read_text().split()[0] == "max"
        group.remove()
        assert not group.path.exists()


def test_every_group_above_hands_the_controllers_down(group: GroupV2) -> None:
    for above in list(group.path.parents)[:3]:
        assert set(CONTROLLERS) <= set((above / "cgroup.subtree_control").read_text().split())


def test_a_group_without_processes_is_not_moved_aside(group: GroupV2) -> None:
    assert not list(group.path.parents[1].rglob(REST))


def test_two_slots_have_different_cpus(sandboxes: Mapping[str, Sandbox], hierarchy: HierarchyV2) -> None:
    with sandboxes["cgroup"].slot() as first, sandboxes["cgroup"].slot() as second:
        cpus = [(hierarchy.root / slot.name / "cpuset.cpus").read_text().strip() for slot in (first, second)]
    assert cpus == ["0", "1"]


def test_a_child_that_takes_too_much_ends_its_parent_too(runners: Mapping[str, Runner]) -> None:
    result = runners["cgroup"].program("spend", "child", 300, memory_bytes=32 * MIB)
    assert (result.cause, result.exit_code, result.exit_signal) == (Cause.MEMORY, None, 9)


def test_a_bomb_that_was_left_is_gone_for_the_next_holder_of_the_slot(
    sandboxes: Mapping[str, Sandbox], hierarchy: HierarchyV2, programs: Mapping[str, Path]
) -> None:
    with sandboxes["cgroup"].slot() as slot:
        left = hierarchy.create(slot.name)
    join = f"echo $$ > {left.path}/cgroup.procs; exec {programs['hostile']} respawn"
    with subprocess.Popen(["/bin/sh", "-c", join], stdin=subprocess.DEVNULL) as bomb:
        while not (left.path / "cgroup.procs").read_text():
            assert bomb.poll() is None
        try:
            with Sandbox(sandboxes["cgroup"].config).slot(2):  # another holder of all, as another process would be
                assert not left.path.exists()
        finally:
            bomb.kill()


@pytest.fixture(scope="module")
def delegated_group() -> Iterator[Path]:
    """A control group that an ordinary user was given, as systemd gives one with Delegate=yes."""
    (TREE_V2 / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in CONTROLLERS))
    group = TREE_V2 / f"test-delegated-{os.getpid()}"
    group.mkdir()
    for path in (group, *(group / name for name in ("cgroup.procs", "cgroup.threads", "cgroup.subtree_control"))):
        os.chown(path, ORDINARY_UID, ORDINARY_UID)
    yield group
    for folder, _, _ in os.walk(group, topdown=False):
        Path(folder).rmdir()


@pytest.fixture(scope="module")
def delegated(ordinary_folder: Path, delegated_group: Path, programs: Mapping[str, Path]) -> Iterator[Runner]:
    """An ordinary user with a control group."""
    with as_ordinary_user(ordinary_folder, delegated_group) as (_, line):
        yield Runner("delegated", at_pace(partial(ask_over, line), TIME_FACTOR), programs)


def test_an_ordinary_user_counts_by_a_group_that_was_delegated(delegated: Runner) -> None:
    result = delegated.program("end", "exit", 3)
    assert (result.cause, result.exit_code, result.source) == (Cause.EXIT, 3, "cgroup")


def test_an_ordinary_users_limits_hold_there(delegated: Runner) -> None:
    assert delegated.program("spend", "spin", 9000, cpu_time_ms=200).cause is Cause.CPU
    assert delegated.program("spend", "memfd", 300, memory_bytes=32 * MIB).cause is Cause.MEMORY
    assert delegated.program("hostile", "count-forks", processes=8).stdout == b"7\n"
    assert delegated.program("spend", "spin", 200, cpu_millicores=250).wall_time_us > 3 * 200_000


def test_an_ordinary_user_moves_itself_aside_and_leaves_no_run(delegated: Runner, delegated_group: Path) -> None:
    delegated.program("end", "exit", 0)
    assert (delegated_group / "cgroup.procs").read_text() == ""
    assert len((delegated_group / REST / "cgroup.procs").read_text().split()) == 1
    assert not list(delegated_group.rglob("run-*"))
