import os
from pathlib import Path

import pytest

from sandbox import detect
from sandbox.cgroup_v1 import CONTROLLERS, HierarchyV1
from sandbox.cgroup_v2 import HierarchyV2
from sandbox.config import SandboxConfig
from sandbox.result import SandboxError


def table(tmp_path: Path, *lines: str) -> Path:
    mounts = tmp_path / "mounts"
    mounts.write_text("".join(f"{line}\n" for line in ("proc /proc proc rw 0 0", *lines)))
    return mounts


def v1_line(*controllers: str) -> str:
    return f"cgroup /sys/fs/cgroup/{','.join(controllers)} cgroup rw,relatime,{','.join(controllers)} 0 0"


def v2_line(tmp_path: Path, controllers: str) -> str:
    tree = tmp_path / "unified"
    tree.mkdir()
    (tree / "cgroup.controllers").write_text(controllers)
    return f"cgroup2 {tree} cgroup2 rw,nsdelegate 0 0"


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anywhere in the tree groups may be made."""
    monkeypatch.setattr("sandbox.detect.os.geteuid", lambda: 0)


pytestmark = pytest.mark.usefixtures("as_root")


def test_v1_is_found_where_every_controller_is_mounted(tmp_path: Path) -> None:
    found = detect.detect("x", table(tmp_path, v1_line("cpu", "cpuacct"), *map(v1_line, ("memory", "pids", "cpuset"))))
    assert isinstance(found, HierarchyV1)
    assert (found.version, set(found.roots)) == ("v1", set(CONTROLLERS))
    assert found.roots["cpu"] == found.roots["cpuacct"] == Path("/sys/fs/cgroup/cpu,cpuacct/shipd-x")


def test_v2_is_found_where_it_has_every_controller(tmp_path: Path) -> None:
    found = detect.detect("x", table(tmp_path, v2_line(tmp_path, "cpuset cpu io memory pids")))
    assert isinstance(found, HierarchyV2)
    assert (found.version, found.root) == ("v2", tmp_path / "unified" / "shipd-x")


def test_a_hybrid_host_uses_the_version_that_has_them(tmp_path: Path) -> None:
    lines = [*map(v1_line, CONTROLLERS), v2_line(tmp_path, "")]
    assert detect.detect("x", table(tmp_path, *lines)).version == "v1"


def test_a_host_with_some_of_v1_uses_v2(tmp_path: Path) -> None:
    lines = [v1_line("memory"), v2_line(tmp_path, "cpuset cpu memory pids")]
    assert detect.detect("x", table(tmp_path, *lines)).version == "v2"


@pytest.mark.parametrize("missing", CONTROLLERS)
def test_what_v1_lacks_is_named(tmp_path: Path, missing: str) -> None:
    lines = [v1_line(name) for name in CONTROLLERS if name != missing]
    with pytest.raises(SandboxError, match=rf"cgroup v1 lacks \['{missing}'\]; cgroup v2 is not mounted"):
        detect.detect("x", table(tmp_path, *lines))


def test_what_v2_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"unified lacks \['memory', 'cpuset'\]"):
        detect.detect("x", table(tmp_path, v2_line(tmp_path, "cpu io pids")))


def test_a_tree_is_slow_to_change_unless_it_was_told_that_it_will_be(tmp_path: Path) -> None:
    slow = v2_line(tmp_path, "cpu")
    assert detect.is_slow_to_change(table(tmp_path, slow))
    assert not detect.is_slow_to_change(table(tmp_path, slow.replace("nsdelegate", "nsdelegate,favordynmods")))
    assert not detect.is_slow_to_change(table(tmp_path, v1_line("cpu")))


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no usable control groups"):
        detect.detect("x", table(tmp_path))


def test_sampling_is_the_operators_decision_alone(tmp_path: Path) -> None:
    config = SandboxConfig("x", tmp_path, tmp_path, cgroups="none")
    assert detect.hierarchy(config).version == "none"


def test_an_ordinary_user_uses_what_was_delegated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = next(
        (line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::/")), "0::/"
    ).removeprefix("0::/")
    line = v2_line(tmp_path, "")
    delegated = tmp_path / "unified" / own
    delegated.mkdir(parents=True, exist_ok=True)
    (delegated / "cgroup.controllers").write_text("cpuset cpu memory pids")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = detect.detect("x", table(tmp_path, line))
    assert isinstance(found, HierarchyV2)
    assert found.root == delegated / "shipd-x"
