import os
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.cgroup import GroupStats
from sandbox.cgroup_v1 import CONTROLLERS, GroupV1, HierarchyV1
from sandbox.cgroup_v2 import HierarchyV2
from sandbox.limits import MIB, Limits
from sandbox.result import SandboxError
from tests.descriptors import open_descriptors

# Folders stand for the kernel's: what is written to them is looked at, what the kernel would count is put there.
LIMITS = Limits(1000, 3000, 64 * MIB, 10, MIB, 9)
ALL = "memory cpu pids cpuset io\n"


@pytest.fixture(autouse=True)
def folders_that_go_with_their_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A control group's files do not keep it from being removed."""
    rmdir = os.rmdir

    def remove(path: str | Path) -> None:
        for file in Path(path).iterdir():
            file.unlink()
        rmdir(path)

    monkeypatch.setattr(os, "rmdir", remove)


@pytest.fixture
def v1(tmp_path: Path) -> HierarchyV1:
    """Version 1 with cpu and cpuacct mounted together, as on most hosts that have it."""
    mounts = {
        name: tmp_path / ("cpu,cpuacct" if name.startswith("cpu") and name != "cpuset" else name)
        for name in CONTROLLERS
    }
    for path in mounts.values():
        path.mkdir(exist_ok=True)
    for path in (mounts["cpuset"], mounts["cpuset"] / "shipd-t" / "0"):
        path.mkdir(parents=True, exist_ok=True)
        (path / "cpuset.cpus").write_text("0-3\n")
        (path / "cpuset.mems").write_text("0\n")
    (mounts["cpu"] / "shipd-t" / "0").mkdir(parents=True)
    return HierarchyV1("shipd-t", mounts)


def counted_v1(run: Path, **changed: str) -> None:
    """What the kernel has counted; every controller's files in one folder, as for a joint mount."""
    usual = {
        "cpuacct.usage": "1000001\n",
        "cpuacct.usage_all": "cpu user system\n0 600000 300999\n1 0 99000\n",
        "memory.max_usage_in_bytes": "4096\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        "pids.peak": "3\n",
        "pids.events": "max 4\n",
    }
    for name, text in {**usual, **changed}.items():
        (run / name).write_text(text)


def test_v1_gives_a_slot_its_cpus(v1: HierarchyV1) -> None:
    v1.prepare_slot("0", (1, 2))
    slot = v1.roots["cpuset"] / "0"
    assert ((slot / "cpuset.cpus").read_text(), (slot / "cpuset.mems").read_text()) == ("1,2", "0")
    assert (v1.roots["cpuset"] / "cpuset.cpus").read_text() == "0-3"


def test_v1_clears_what_was_left(v1: HierarchyV1) -> None:
    left = [root / "0" / "run-3" for root in v1.roots.values()]
    for path in left:
        path.mkdir(parents=True, exist_ok=True)
    v1.prepare_slot("0", (0,))
    assert not any(path.exists() for path in left)


def v1_limits_written(hierarchy: HierarchyV1, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    def make(path: str) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        Path(path, "cpuacct.usage").write_text("0\n")

    monkeypatch.setattr("sandbox.cgroup_v1.make", make)
    hierarchy.create("0").limit(limits)
    runs = {root / "0" for root in hierarchy.roots.values()}
    files = [file for slot in runs for file in slot.glob("run-*/*") if file.name != "cpuacct.usage"]
    return {file.name: file.read_text() for file in files}


def test_v1_holds_memory_and_processes(v1: HierarchyV1, monkeypatch: pytest.MonkeyPatch) -> None:
    assert v1_limits_written(v1, LIMITS, monkeypatch) == {
        "memory.limit_in_bytes": str(64 * MIB),
        "memory.swappiness": "0",
        "pids.max": "9",
    }


def test_v1_holds_part_of_a_cpu(v1: HierarchyV1, monkeypatch: pytest.MonkeyPatch) -> None:
    written = v1_limits_written(v1, replace(LIMITS, cpu_millicores=250), monkeypatch)
    assert (written["cpu.cfs_period_us"], written["cpu.cfs_quota_us"]) == ("20000", "5000")


def test_v1_holds_swap_where_the_kernel_counts_it(v1: HierarchyV1, monkeypatch: pytest.MonkeyPatch) -> None:
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: "memsw" in path.name or exists(path))
    assert v1_limits_written(v1, LIMITS, monkeypatch)["memory.memsw.limit_in_bytes"] == str(64 * MIB)


def test_v1_holds_the_buffers_of_sockets(v1: HierarchyV1, monkeypatch: pytest.MonkeyPatch) -> None:
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: "kmem.tcp" in path.name or exists(path))
    assert v1_limits_written(v1, LIMITS, monkeypatch)["memory.kmem.tcp.limit_in_bytes"] == str(64 * MIB)


def test_v1_leaves_no_group_that_cannot_be_used(v1: HierarchyV1) -> None:
    with pytest.raises(FileNotFoundError, match=r"cpuacct.usage"):  # these folders have no counters
        v1.create("0")
    assert not [path for root in v1.roots.values() for path in (root / "0").glob("run-*")]


def test_v1_reads_what_was_counted(tmp_path: Path) -> None:
    run, cpuset = tmp_path / "run-1", tmp_path / "cpuset"
    run.mkdir()
    cpuset.mkdir()
    counted_v1(run)
    group = GroupV1(dict.fromkeys(("memory", "cpu", "cpuacct", "pids"), str(run)), str(cpuset), (), [])
    group.watch_files(lambda: 0)
    assert group.cpu_us() == 1001  # rounded up
    assert group.memory_exceeded() is False
    assert group.stats() == GroupStats(
        cpu_us=1001,
        user_us=600,
        system_us=399,
        memory_peak_bytes=4096,
        oom_kills=2,
        pids_peak=3,
        forks_refused=4,
    )
    for path in (run, cpuset):
        (path / "tasks").touch()
    for descriptor in group.let_in(77):
        os.write(descriptor, b"0")
        os.close(descriptor)
    assert {(path / "tasks").read_text() for path in (run, cpuset)} == {"0"}
    group.remove()
    assert not run.exists()


def test_v1_lets_nobody_in_by_a_part_of_the_ways(tmp_path: Path) -> None:
    counted_v1(tmp_path)
    (tmp_path / "tasks").touch()
    group = GroupV1(dict.fromkeys(("memory", "cpu", "cpuacct", "pids"), str(tmp_path)), f"{tmp_path}/none", (), [])
    before = open_descriptors()
    with pytest.raises(SandboxError, match="none lets nobody in: No such file"):
        group.let_in(77)
    assert open_descriptors() <= before
    os.close(group._usage)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("4:pids:/t/0/run-1\n3:cpu,cpuacct:/t/0/run-1\n2:memory:/t/0/run-1\n1:cpuset:/t/0\n0::/\n", True),
        ("4:pids:/t/0/run-1\n3:cpu,cpuacct:/t/0/run-1\n2:memory:/t/0\n1:cpuset:/t/0\n0::/\n", False),
        ("4:pids:/t/0/run-1\n3:cpu,cpuacct:/t/0/run-1\n2:memory:/t/0/run-1\n1:cpuset:/t/1\n0::/\n", False),
        ("4:pids:/t/0/run-2\n3:cpu,cpuacct:/t/0/run-2\n2:memory:/t/0/run-2\n1:cpuset:/t/0\n0::/\n", False),
        ("3:cpu,cpuacct:/t/0/run-1\n2:memory:/t/0/run-1\n1:cpuset:/t/0\n0::/\n", False),
    ],
)
def test_v1_knows_who_is_in_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, held: bool) -> None:
    run = tmp_path / "t" / "0" / "run-1"
    run.mkdir(parents=True)
    counted_v1(run)
    group = GroupV1(dict.fromkeys(("memory", "cpu", "cpuacct", "pids"), str(run)), str(tmp_path / "t" / "0"), (), [])
    monkeypatch.setattr("sandbox.cgroup.read", {"/proc/77/cgroup": text}.__getitem__)
    assert group.holds(77) is held
    os.close(group._usage)


@pytest.mark.parametrize("slot", ["0", "1"])
def test_v2_knows_who_is_in_it(v2: HierarchyV2, monkeypatch: pytest.MonkeyPatch, slot: str) -> None:
    group = v2.create("0")
    text = f"1:name=systemd:/\n0::/shipd-t/{slot}/{group.path.name}\n"
    monkeypatch.setattr("sandbox.cgroup.read", {"/proc/77/cgroup": text}.__getitem__)
    assert group.holds(77) is (slot == "0")


def test_v1_knows_that_a_kernel_may_not_count_everything(tmp_path: Path) -> None:
    run = tmp_path / "run-1"
    run.mkdir()
    counted_v1(run)
    (run / "pids.peak").unlink()
    group = GroupV1(dict.fromkeys(("memory", "cpu", "cpuacct", "pids"), str(run)), str(tmp_path), (), [])
    assert group.stats().pids_peak is None
    group.remove()


@pytest.fixture
def v2(tmp_path: Path) -> HierarchyV2:
    """Version 2 at the root of its tree: no cgroup.type there."""
    for path in (tmp_path, tmp_path / "shipd-t", tmp_path / "shipd-t" / "0"):
        path.mkdir(exist_ok=True)
        (path / "cgroup.subtree_control").write_text("")
    return HierarchyV2("shipd-t", tmp_path)


def test_v2_hands_controllers_down(v2: HierarchyV2) -> None:
    v2.prepare_slot("0", (2,))
    for path in (v2.root.parent, v2.root, v2.root / "0"):
        assert (path / "cgroup.subtree_control").read_text() == "+memory +cpu +pids +cpuset"
    assert (v2.root / "0" / "cpuset.cpus").read_text() == "2"


def test_v2_leaves_controllers_alone_that_are_handed_down(v2: HierarchyV2) -> None:
    for path in (v2.root.parent, v2.root, v2.root / "0"):
        (path / "cgroup.subtree_control").write_text(ALL)
    v2.prepare_slot("0", (2,))
    assert (v2.root / "cgroup.subtree_control").read_text() == ALL


def test_v2_moves_aside_what_runs_where_controllers_are_to_be_handed_down(v2: HierarchyV2) -> None:
    """As an ordinary user: the delegated group is the one that we run in."""
    (v2.root.parent / "cgroup.type").write_text("domain\n")
    (v2.root.parent / "cgroup.procs").write_text("17\n")
    v2.prepare_slot("0", (0,))
    assert (v2.root.parent / "shipd-rest" / "cgroup.procs").read_text() == "17"


def test_v2_clears_what_was_left(v2: HierarchyV2) -> None:
    (v2.root / "0" / "run-1").mkdir()
    v2.prepare_slot("0", (0,))
    assert not (v2.root / "0" / "run-1").exists()


def v2_limits_written(hierarchy: HierarchyV2, limits: Limits) -> dict[str, str]:
    hierarchy.create("0").limit(limits)
    return {file.name: file.read_text() for file in (hierarchy.root / "0").glob("run-*/*")}


@pytest.mark.parametrize(("kills", "peak", "short"), [(0, 1, False), (1, 61, True), (1, 63, False), (1, 64, False)])
def test_v1_tells_whose_memory_was_short(tmp_path: Path, kills: int, peak: int, short: bool) -> None:
    counted_v1(tmp_path, **{"memory.oom_control": f"oom_kill {kills}\n"})
    (tmp_path / "memory.limit_in_bytes").write_text(f"{64 * MIB}\n")
    (tmp_path / "memory.max_usage_in_bytes").write_text(f"{peak * MIB}\n")
    group = GroupV1(dict.fromkeys(("memory", "cpu", "cpuacct", "pids"), str(tmp_path)), str(tmp_path), (), [])
    assert group.stats().host_was_short is short
    os.close(group._usage)


@pytest.mark.parametrize(
    ("events", "short"), [("oom 0\noom_kill 0", False), ("oom 0\noom_kill 1", True), ("oom 1\noom_kill 1", False)]
)
def test_v2_tells_whose_memory_was_short(v2: HierarchyV2, events: str, short: bool) -> None:
    group = v2.create("0")
    counted = {
        "cpu.stat": "usage_usec 1\nuser_usec 1\nsystem_usec 0\n",
        "memory.events": f"{events}\n",
        "pids.events": "max 0\n",
    }
    for name, text in counted.items():
        (group.path / name).write_text(text)
    assert group.stats().host_was_short is short


def test_v2_holds_memory_and_processes(v2: HierarchyV2) -> None:
    written = v2_limits_written(v2, LIMITS)
    assert (written["memory.max"], written["pids.max"]) == (str(64 * MIB), "9")
    assert "cpu.max" not in written


def test_v2_holds_part_of_a_cpu_and_swap(v2: HierarchyV2, monkeypatch: pytest.MonkeyPatch) -> None:
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: "swap" in path.name or exists(path))
    written = v2_limits_written(v2, replace(LIMITS, cpu_millicores=1500))
    assert (written["cpu.max"], written["memory.swap.max"]) == ("30000 20000", "0")


def test_v2_leaves_no_group_that_cannot_be_used(v2: HierarchyV2, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, value: object) -> None:
        raise SandboxError(f"{path} does not take {value}")

    monkeypatch.setattr("sandbox.cgroup_v2.write", refuse)
    with pytest.raises(SandboxError, match=r"memory.oom.group does not take"):
        v2.create("0")
    assert list((v2.root / "0").glob("run-*")) == []


def test_v2_reads_what_was_counted(v2: HierarchyV2) -> None:
    group = v2.create("0")
    counted = {
        "cpu.stat": "usage_usec 11\nuser_usec 7\nsystem_usec 4\nnr_periods 0\n",
        "memory.peak": "8192\n",
        "memory.events": "low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 1\n",
        "pids.peak": "5\n",
        "pids.events": "max 6\n",
    }
    for name, text in counted.items():
        (group.path / name).write_text(text)
    group.watch_files(lambda: 0)
    assert group.let_in(55) == []
    assert (group.path / "cgroup.procs").read_text() == "55"
    assert group.cpu_us() == 11
    assert group.memory_exceeded() is False
    assert group.stats() == GroupStats(
        cpu_us=11, user_us=7, system_us=4, memory_peak_bytes=8192, oom_kills=1, pids_peak=5, forks_refused=6
    )
    group.remove()
    assert not group.path.exists()
