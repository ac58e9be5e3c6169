"""Runs inside a jail: looks around and writes what it found as JSON."""

import errno
import json
import os
import resource
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

OF_INIT = Path("/proc/1")


def tried(act: Callable[[], object]) -> str:
    """Name the error that something meets, or say `ok`."""
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "ok"


def made(folder: Path) -> None:
    """Make a file and take it away again."""
    (folder / ".made").touch(exist_ok=False)
    (folder / ".made").unlink()


def names(folder: str) -> list[str]:
    """List a folder."""
    return sorted(path.name for path in Path(folder).iterdir())


def looked_at_init() -> dict[str, object]:
    """What can be seen of init, and done to it."""
    files = ("environ", "mem", "maps", "auxv", "io", "stack", "syscall")
    links = ("root", "cwd", "exe", "ns/mnt", "ns/user")
    folders = ("fd", "fdinfo", "map_files")
    return {
        **{f"read {OF_INIT / name}": tried(partial(first, f"{OF_INIT}/{name}")) for name in files},
        **{f"list {OF_INIT / name}": tried(partial(names, f"{OF_INIT}/{name}")) for name in folders},
        **{f"list {OF_INIT / name}/": tried(partial(names, f"{OF_INIT}/{name}/")) for name in links},
        **{f"link {OF_INIT / name}": tried((OF_INIT / name).readlink) for name in links},
        "kill 1": tried(lambda: os.kill(1, 9)),
        "prlimit 1": tried(lambda: resource.prlimit(1, resource.RLIMIT_CPU)),
        "affinity 1": tried(lambda: os.sched_setaffinity(1, os.sched_getaffinity(0))),
        "priority 1": tried(lambda: os.setpriority(os.PRIO_PROCESS, 1, 5)),
    }


def looked_at_files() -> dict[str, object]:
    """Which folders and files there are, and which can be written."""
    shown = ("/", "/dev", "/etc", "/box", "/tmp", "/dev/shm", "/usr/local")
    system = ("/", "/usr", "/usr/bin", "/usr/local", "/etc", "/dev", "/bin", "/lib", "/etc/alternatives")
    own = ("/proc", "/proc/self", "/box", "/tmp", "/dev/shm")
    fixed = ("/etc/passwd", "/usr/bin/python3", "/proc/sys/kernel/hostname", "/proc/self/oom_score_adj")
    hidden = ("/etc/shadow", "/root", "/home", "/var", "/run", "/sys", "/sys/fs/cgroup", "/dev/kvm", "/dev/tty")
    closed = ("/proc/kcore", "/proc/kmsg", "/proc/sysrq-trigger", "/proc/kpagecount")
    return {
        **{path: names(path) for path in shown},
        **{f"write {path}": tried(partial(made, Path(path))) for path in (*system, *own)},
        **{f"open {path}": tried(partial(os.open, path, os.O_WRONLY)) for path in fixed},
        **{f"stat {path}": tried(Path(path).stat) for path in hidden},
        **{f"read {path}": tried(partial(first, path)) for path in closed},
    }


def first(path: str) -> bytes:
    """Read one byte."""
    with Path(path).open("rb") as file:
        return file.read(1)


def looked_at_itself() -> dict[str, object]:
    """Who we are, and what is said of us."""
    status = Path("/proc/self/status").read_text()
    mounts = Path("/proc/self/mountinfo").read_text()
    pids = sorted(int(name) for name in names("/proc") if name.isdigit())
    return {
        "status": dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line),
        "descriptors": [name for name in names("/proc/self/fd") if Path(f"/proc/self/fd/{name}").exists()],
        "groups": os.getgroups(),
        "pids": pids,
        "environment": dict(os.environ),
        "session": [os.getpid(), os.getpgid(0), os.getsid(0)],
        "host": os.uname().nodename,
        "mountinfo": mounts,
        "mounts": [(line.split()[4], line.split()[5].split(",")) for line in mounts.splitlines()],
        "command lines": [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids],
        "own cgroup": Path("/proc/self/cgroup").read_text(),
        "interfaces": [line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]],
        "routes": Path("/proc/net/route").read_text().splitlines()[1:],
        "setuid 0": tried(lambda: os.setuid(0)),
        "setuid 1": tried(lambda: os.setuid(1)),
        "setgid 0": tried(lambda: os.setgid(0)),
        "setgroups": tried(lambda: os.setgroups([0])),
    }


json.dump({**looked_at_itself(), **looked_at_files(), **looked_at_init()}, sys.stdout)
