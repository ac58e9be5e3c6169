"""One platform a folder: a lock that is held for as long as any of its processes is being run or stopped."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

STOPPING_S = 60
ASK_S = 0.1


class AlreadyRunning(Exception):  # noqa: N818 - it names what is the case
    """Another platform has this folder."""


def owner(path: Path) -> int | None:
    """Give the pid of the process whose platform has the lock; None when nobody has it."""
    if not path.exists():
        return None
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(descriptor, 32) or b"0")
    else:
        return None
    finally:
        os.close(descriptor)


def take(path: Path) -> int:
    """Take the lock and give its descriptor, whose every copy must be closed for its release.

    Waits for a platform that is being stopped. Raises AlreadyRunning when one is up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + STOPPING_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            pid = int(os.pread(descriptor, 32, 0) or b"0")
            if _lives(pid) or time.monotonic() > deadline:
                os.close(descriptor)
                raise AlreadyRunning(f"{path.parent} is in use by process {pid}; stop it with: make stop") from None
            time.sleep(ASK_S)
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
