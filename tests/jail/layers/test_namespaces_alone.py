"""Pid, IPC, UTS and mount namespaces, with seccomp switched off: what has no name cannot be reached."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.jail.layers import weaken
from tests.jail.layers.attempts import says

LIBC = "import ctypes, errno, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
_IPC_CREAT, _IPC_RMID = 0o1000, 0


@pytest.fixture
def named(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox without seccomp."""
    with weaken.no_seccomp():
        yield sandbox


@pytest.fixture
def neighbour() -> Iterator[int]:
    """A process of the host."""
    with subprocess.Popen(["/usr/bin/cat"], stdin=subprocess.PIPE) as process:
        yield process.pid
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()


def test_a_process_of_the_host_has_no_number(named: Sandbox, neighbour: int) -> None:
    text = (
        f"{LIBC}"
        "def tried(result): return errno.errorcode[ctypes.get_errno()] if result < 0 else 'done'\n"
        "vector = (ctypes.c_uint64 * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8)\n"
        f"for pid in ({neighbour}, {os.getpid()}):\n"
        "  print(tried(libc.kill(pid, 9)), tried(libc.ptrace(16, pid, 0, 0)), tried(libc.pidfd_open(pid, 0)),\n"
        "        tried(libc.process_vm_readv(pid, vector, 1, vector, 1, 0)), os.path.exists(f'/proc/{pid}'))\n"
    )
    assert set(says(named, text).split()) == {"ESRCH", "False"}


def test_all_that_can_be_killed_are_its_own(named: Sandbox, neighbour: int) -> None:
    del neighbour
    assert says(named, "import os, signal\ntry: os.kill(-1, signal.SIGTERM)\nexcept OSError: pass\nprint(1)") == "1\n"


def test_ipc_of_the_host_is_not_there(named: Sandbox) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(0x5347, 4096, _IPC_CREAT | 0o666)
    try:
        assert segment >= 0
        text = (
            f"print(libc.shmget(0x5347, 4096, 0), libc.shmat({segment}, None, 0), len(list(open('/proc/sysvipc/shm'))))"
        )
        assert says(named, f"{LIBC}{text}") == "-1 -1 1\n"
    finally:
        libc.shmctl(segment, _IPC_RMID, None)


def test_a_file_of_the_host_has_no_path(named: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("expected output")
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    ways = [str(secret), f"/proc/1/root{secret}", f"/proc/self/root{secret}", f"../../../../..{secret}"]
    text = f"import os\nfor way in {ways}:\n try: open(way); print('opened', way)\n except OSError as error: pass"
    assert says(named, text) == ""


def test_the_hosts_name_is_not_told(named: Sandbox) -> None:
    assert says(named, "import os; print(os.uname().nodename)") == "jail\n"
