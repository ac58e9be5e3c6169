"""Find out which control groups a host has: never assume."""

import os
from pathlib import Path

from sandbox import cgroup_v1, cgroup_v2
from sandbox.cgroup import Hierarchy, groups_of
from sandbox.cgroup_v1 import HierarchyV1
from sandbox.cgroup_v2 import HierarchyV2
from sandbox.config import SandboxConfig
from sandbox.result import SandboxError
from sandbox.sampled import SampledHierarchy

QUICK = "favordynmods"


def hierarchy(config: SandboxConfig) -> Hierarchy:
    """Find this host's control groups, or sample where the operator said so. Raises SandboxError."""
    return SampledHierarchy() if config.cgroups == "none" else detect(config.instance)


def detect(instance: str, mounts: Path = Path("/proc/self/mounts")) -> Hierarchy:
    """Find the controllers of this host. Raises SandboxError saying what is missing."""
    v1, tree = _mounted(mounts.read_text())
    v2 = _ours(tree) if tree is not None else None
    missing = [name for name in cgroup_v1.CONTROLLERS if name not in v1]
    if not missing:
        return HierarchyV1(f"shipd-{instance}", {name: v1[name] for name in cgroup_v1.CONTROLLERS})
    if v2 is not None and not _v2_lacks(v2):
        return HierarchyV2(f"shipd-{instance}", v2)
    lacks = f"cgroup v2 at {v2} lacks {_v2_lacks(v2)}" if v2 is not None else "cgroup v2 is not mounted"
    raise SandboxError(f"no usable control groups: cgroup v1 lacks {missing}; {lacks}")


def is_slow_to_change(mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether who moves a process between groups of version 2 waits until all CPUs of the host have been seen.

    The option of its mount that makes forks a little dearer and moves quick is there since Linux 6.0 (the kernel's
    admin-guide/cgroup-v2, "Mounting").
    """
    trees = [line.split() for line in mounts.read_text().splitlines() if line.split()[2] == "cgroup2"]
    return bool(trees) and QUICK not in trees[0][3].split(",")


def _mounted(table: str) -> tuple[dict[str, Path], Path | None]:
    v1: dict[str, Path] = {}
    v2: Path | None = None
    for line in table.splitlines():
        _, path, kind, options, *_ = line.split()
        if kind == "cgroup":
            v1.update({name: Path(path) for name in options.split(",") if name in cgroup_v1.CONTROLLERS})
        elif kind == "cgroup2" and v2 is None:
            v2 = Path(path)
    return v1, v2


def _ours(tree: Path) -> Path:
    """Where we may make groups: anywhere as root, else below the group that we were started in."""
    if os.geteuid() == 0:
        return tree
    # Once moved aside by ourselves, what was delegated is the group above.
    return tree / groups_of("self")[""].removeprefix("/").removesuffix(f"/{cgroup_v2.REST}")


def _v2_lacks(root: Path) -> list[str]:
    there = (root / "cgroup.controllers").read_text().split()
    return [name for name in cgroup_v2.CONTROLLERS if name not in there]
