"""Whether this user may make cgroups: root always tries, others need a delegated cgroup v2 subtree."""

import os
from pathlib import Path

CONTROLLERS = {"cpu", "cpuset", "memory", "pids"}


def may_make_cgroups(proc: Path = Path("/proc")) -> bool:
    """Say whether jails can have cgroups: we are root, or the cgroup v2 that we are in is ours with its controllers."""
    if os.geteuid() == 0:
        return True
    own = _own_cgroup(proc)
    if own is None or not os.access(own, os.W_OK) or not os.access(own / "cgroup.subtree_control", os.W_OK):
        return False
    return set((own / "cgroup.controllers").read_text().split()) >= CONTROLLERS


def _own_cgroup(proc: Path) -> Path | None:
    mounted = [line.split() for line in (proc / "self" / "mounts").read_text().splitlines()]
    roots = [Path(fields[1]) for fields in mounted if fields[2] == "cgroup2"]
    paths = [
        line.removeprefix("0::/")
        for line in (proc / "self" / "cgroup").read_text().splitlines()
        if line.startswith("0::/")
    ]
    return roots[0] / paths[0] if roots and paths else None
