"""Network namespaces: make one, do something inside one.

A thread can be in another namespace than its process, and what it starts is there too. So each step inside is done by
a thread of its own that ends with it: a thread of ours can never be left in a jail's namespace.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sandbox.result import SandboxError

_CLONE_NEWNET = 0x4000_0000
_libc = ctypes.CDLL(None, use_errno=True)
OWN = Path("/proc/thread-self/ns/net")
SETTINGS = Path("/proc/sys/net")
"""What is shown there is of the namespace of the thread that looks."""

Result = TypeVar("Result")


def make() -> int:
    """Make a namespace whose interfaces have no IPv6, but for the loopback. Gives a descriptor; raises SandboxError."""

    def fresh() -> int:
        if _libc.unshare(_CLONE_NEWNET) != 0:
            raise SandboxError(f"cannot make a network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            ipv6 = SETTINGS / "ipv6/conf/default/disable_ipv6"
            if ipv6.exists():  # a kernel without IPv6 has nothing to turn off
                ipv6.write_text("1")
            return os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SandboxError(f"cannot set up a network namespace: {error}") from error

    return in_a_thread(fresh)


def inside(namespace: int, action: Callable[[], Result]) -> Result:
    """Do something in a namespace, and give its result or raise its exception. Raises SandboxError."""

    def entered() -> Result:
        enter(namespace)
        return action()

    return in_a_thread(entered)


def enter(namespace: int) -> None:
    """Take this thread into a namespace, for good. Raises SandboxError."""
    if _libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise SandboxError(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")


def identity(pid: int | None = None) -> int:
    """Tell which namespace a process is in, or this thread: its inode, as long as it lives."""
    return (OWN if pid is None else Path(f"/proc/{pid}/ns/net")).stat().st_ino


def in_a_thread(action: Callable[[], Result]) -> Result:
    """Do something in a new thread and wait for it; what it raises is raised here."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001 - handed on
            errors.append(error)

    thread = threading.Thread(target=attempt, name="network-namespace")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
