"""Whether a program waits for somebody else: by the system calls that its threads are in, as the kernel tells.

It is asked when nothing happens any more, to say whose fault that is, and never to end what may go on by itself.
"""

import os

from sandbox import seccomp
from sandbox.kernel_files import read
from sandbox.sampled import descendants

READING = frozenset(
    {"read", "readv", "poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2"}
)
WRITING = frozenset({"write", "writev"}) | READING - {"read", "readv"}


def is_in(pid: int, calls: frozenset[str]) -> bool:
    """Say whether any thread of a process, or of those below it, is held in one of these calls.

    Where the kernel does not tell it may be: True.
    """
    return any(_is_in(one, calls) for one in (pid, *(child for child, _ in descendants(pid))))


def _is_in(pid: int, calls: frozenset[str]) -> bool:
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - names are all that is needed
        return any(_call(f"/proc/{pid}/task/{thread}/syscall") in calls for thread in threads)
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return False
    except OSError:
        return True


def _call(path: str) -> str | None:
    """Name the call that a thread is in; None where it runs."""
    number = read(path).split()[0]
    return seccomp.name_of(int(number)) if number.isdigit() else None
