"""What a jail could leave behind on the host, and how to look for it."""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 10.0


@dataclass(frozen=True)
class Territory:
    """What belongs to the jails of these tests and to nobody else."""

    instances: tuple[str, ...]
    folders: tuple[Path, ...]
    """State folders: every nsjail has one on its command line, every init lies in one."""
    processes: tuple[int, ...]
    """Those that make jails, whose descriptors are counted."""

    @property
    def names(self) -> list[str]:
        """What stands in the name of everything that belongs to it."""
        return [*map(str, self.folders), *(f"shipd-{instance}/" for instance in self.instances)]


def groups(instance: str) -> list[Path]:
    """List the control groups of an instance in every hierarchy, children first."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        root = Path(mount) / f"shipd-{instance}"
        if kind in {"cgroup", "cgroup2"} and root.is_dir():
            found += [Path(path) for path, _, _ in os.walk(root, topdown=False)]
    return found


def descriptors(pid: int) -> dict[str, str]:
    """What a process has open: sockets and pipes by kind only, so that the two ends of a leak compare."""
    found = {}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found[entry.name] = str(entry.readlink())
        except FileNotFoundError:  # the listing's own
            continue
    return found


def survey(territory: Territory) -> dict[str, object]:
    """Everything that must be the same after a test as before it."""
    return {
        "runs": [str(path) for name in territory.instances for path in groups(name) if path.name.startswith("run-")],
        "mounts": _mounts(territory),
        "loops": _loops(territory),
        "processes": processes(territory.folders),
        "descriptors": {pid: descriptors(pid) for pid in territory.processes},
    }


def settled(territory: Territory, before: dict[str, object]) -> dict[str, object]:
    """Survey again, until it is as before or patience is at its end: the kernel ends processes when it gets to it."""
    deadline = time.monotonic() + PATIENCE_S
    while (now := _with_closed(survey(territory), before)) != before and time.monotonic() < deadline:
        time.sleep(0.01)
    return now


def _with_closed(now: dict[str, object], before: dict[str, object]) -> dict[str, object]:
    """Forgive descriptors that are gone: sockets of earlier tests are closed when the collector gets to them."""
    opened, known = now["descriptors"], before["descriptors"]
    assert isinstance(opened, dict)
    assert isinstance(known, dict)
    return {**now, "descriptors": {pid: {**known[pid], **found} for pid, found in opened.items()}}


def processes(folders: tuple[Path, ...]) -> list[str]:
    """Every nsjail and init that was made from these folders, by command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            line = _command_line(entry)
            if any(str(folder) in line for folder in folders) and "tests.jail" not in line:
                found.append(f"{entry.name} {line}")
    return found


def _command_line(entry: Path) -> str:
    """A process's program and arguments; an init's arguments say nothing, but its program does."""
    try:
        arguments = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return f"{(entry / 'exe').readlink()} {arguments}"
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def _mounts(territory: Territory) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if any(name in line for name in territory.names)]


def _loops(territory: Territory) -> list[str]:
    backing = []
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):  # somebody else's, detached meanwhile
            backing.append(path.read_text().strip())
    return [path for path in backing if any(name in path for name in territory.names)]
