import os
from pathlib import Path

import pytest

from sandbox import SandboxError
from sandbox.cgroup_v1 import HierarchyV1
from sandbox.cgroup_v2 import HierarchyV2
from sandbox.detect import detect

V1 = "".join(f"cgroup /cg/{name} cgroup rw,{name} 0 0\n" for name in ("memory", "cpu", "cpuacct", "pids", "cpuset"))


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def table(folder: Path, text: str) -> Path:
    path = folder / "mounts"
    path.write_text(text)
    return path


def unified(folder: Path, controllers: str) -> str:
    (folder / "cgroup.controllers").write_text(f"{controllers}\n")
    return f"cgroup2 {folder} cgroup2 rw,nsdelegate 0 0\n"


def test_version_2_alone(tmp_path: Path) -> None:
    mounts = table(tmp_path, "tmpfs /tmp tmpfs rw 0 0\n" + unified(tmp_path, "cpuset cpu io memory hugetlb pids"))
    found = detect("a", mounts)
    assert isinstance(found, HierarchyV2)
    assert found.root == tmp_path / "shipd-a"


def test_version_1_with_a_tree_of_version_2_that_has_nothing(tmp_path: Path) -> None:
    found = detect("a", table(tmp_path, V1 + unified(tmp_path, "")))
    assert isinstance(found, HierarchyV1)
    assert found.roots["pids"] == Path("/cg/pids/shipd-a")


def test_controllers_mounted_together(tmp_path: Path) -> None:
    text = V1.replace("/cg/cpuacct cgroup rw,cpuacct", "/cg/both cgroup rw,cpuacct,cpu")
    found = detect("a", table(tmp_path, text))
    assert isinstance(found, HierarchyV1)
    assert found.roots["cpuacct"] == Path("/cg/both/shipd-a")


@pytest.mark.parametrize("controllers", ["", "cpuset cpu memory", "cpu memory pids"])
def test_what_is_missing_is_named(tmp_path: Path, controllers: str) -> None:
    missing = {"memory", "cpu", "pids", "cpuset"} - set(controllers.split())
    with pytest.raises(SandboxError, match="no usable control groups") as refused:
        detect("a", table(tmp_path, unified(tmp_path, controllers)))
    assert all(f"'{name}'" in str(refused.value).partition("lacks ['")[2].partition("; ")[2] for name in missing)


def test_a_host_without_any_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cgroup v2 is not mounted"):
        detect("a", table(tmp_path, "tmpfs /tmp tmpfs rw 0 0\n"))
