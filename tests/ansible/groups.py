"""Control groups for the machines: systemd-nspawn makes two of fixed names below the one that it runs in."""

import contextlib
import os
import time
from pathlib import Path

GONE_S = 5.0


def make(name: str) -> list[Path]:
    """Make a group in every tree that systemd uses: the one of version 2, and version 1's without controllers."""
    made = [root / name for root in _roots()]
    for group in made:
        group.mkdir()
    return made


def enter(made: list[Path]) -> None:
    """Put this process in. For a child between fork and exec."""
    for group in made:
        (group / "cgroup.procs").write_text(str(os.getpid()))


def remove(made: list[Path]) -> None:
    """Remove the groups with all below them; whoever was in them has been killed and goes in a moment."""
    deadline = time.monotonic() + GONE_S
    while any(group.exists() for group in made) and time.monotonic() < deadline:
        for group in made:
            for path, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(path)  # noqa: PTH106 - os.walk gives texts
        time.sleep(0.02)


def _roots() -> list[Path]:
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    ours = [f for f in lines if f[2] == "cgroup2" or (f[2] == "cgroup" and "name=systemd" in f[3].split(","))]
    return [Path(fields[1]) for fields in ours]
