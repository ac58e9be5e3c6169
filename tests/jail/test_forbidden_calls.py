import errno
import os
import socket

import pyseccomp
import pytest

from sandbox import Cause
from sandbox.seccomp import load
from tests.jail.conftest import CONFIGS
from tests.jail.running import Runner

BASE = load(CONFIGS / "seccomp", "base")
POLICIES = ["strict", "python", "compile", "go", "java", "node"]


def number(call: str) -> int | None:
    """The call's number here; None where this architecture has no such call."""
    found = pyseccomp.resolve_syscall(pyseccomp.system_arch(), call)
    assert isinstance(found, int)
    return found if found >= 0 else None


KILLED = [call for call in BASE.kill if number(call) is not None]


@pytest.mark.parametrize("call", KILLED)
def test_a_forbidden_call_ends_the_program_and_is_named(least_privileged: Runner, call: str) -> None:
    result = least_privileged.program("calls", "call", number(call))
    assert (result.cause, result.denied_syscall) == (Cause.SYSCALL, call)
    assert (result.exit_signal, result.stdout) == (9, b"")


def test_a_forbidden_call_of_a_child_ends_the_program(run: Runner) -> None:
    result = run.program("calls", "child-call", number("ptrace"))
    assert (result.cause, result.denied_syscall) == (Cause.SYSCALL, "ptrace")


def test_a_storm_of_forbidden_calls_ends_at_once(run: Runner) -> None:
    """The keeper answers nobody: whoever is held in the kernel is ended with the program.

    Up to three attempts to be soon: a machine that stalls does not do so each time.
    """

    def took_us() -> int:
        result = run.program("calls", "storm", 25, number("ptrace"))
        assert (result.cause, result.denied_syscall) == (Cause.SYSCALL, "ptrace")
        return result.wall_time_us

    assert any(took_us() < 5_000_000 for _ in range(3))


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_takes_a_forbidden_call_back(run: Runner, policy: str) -> None:
    result = run.program("calls", "call", number("mount"), policy=policy)
    assert (result.cause, result.denied_syscall) == (Cause.SYSCALL, "mount")


@pytest.mark.parametrize(("call", "name"), BASE.errors.items())
def test_a_probing_call_meets_an_error(least_privileged: Runner, call: str, name: str) -> None:
    result = least_privileged.program("calls", "call", number(call), -1, -1, -1)
    assert (result.exit_code, result.stdout) == (0, b"%d\n" % -getattr(errno, name))


@pytest.mark.parametrize("call", BASE.nothing)
def test_what_would_keep_a_disk_busy_does_nothing(least_privileged: Runner, call: str) -> None:
    result = least_privileged.program("calls", "call", number(call), -1, -1, -1)
    assert (result.exit_code, result.stdout) == (0, b"0\n")


@pytest.mark.parametrize("call", ["seccomp", "landlock_create_ruleset", "cachestat", "socket", "unshare", "sync"])
def test_what_no_policy_names_is_not_there(least_privileged: Runner, call: str) -> None:
    result = least_privileged.program("calls", "call", number(call), -1, -1, -1)
    assert (result.exit_code, result.stdout) == (0, b"%d\n" % -errno.ENOSYS)


NAMESPACES = {
    "time": 0x80,
    "mount": 0x20000,
    "cgroup": 0x2000000,
    "uts": 0x4000000,
    "ipc": 0x8000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}


@pytest.mark.parametrize("flag", NAMESPACES.values(), ids=NAMESPACES.keys())
def test_no_namespace_is_made(run: Runner, flag: int) -> None:
    def said(*arguments: object) -> bytes:
        result = run.program("calls", *arguments)
        assert result.exit_code == 0
        return result.stdout

    assert said("clone", flag) == b"%d\n" % -errno.ENOSYS
    assert said("clone", flag | 0x10000000) == b"%d\n" % -errno.ENOSYS
    assert said("call", number("unshare"), flag) == b"%d\n" % -errno.ENOSYS
    assert said("call", number("unshare"), flag | 0x400) == b"%d\n" % -errno.ENOSYS


def test_children_without_namespaces_are_made(run: Runner) -> None:
    assert run.program("calls", "clone", 0).stdout == b"1\n"


@pytest.mark.parametrize("abi", ["i386", "x32"])
def test_calls_of_another_architecture_end_the_program(run: Runner, abi: str) -> None:
    result = run.program("calls", abi)
    assert (result.cause, result.exit_signal, result.stdout) == (Cause.SIGNAL, 31, b"")


SOCKETS = {
    "netlink": (socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0x300),
    "vsock": (socket.AF_VSOCK, socket.SOCK_STREAM, 0),
    "alg": (socket.AF_ALG, socket.SOCK_SEQPACKET, 0),
    "bluetooth": (31, socket.SOCK_RAW, 1),
    "can": (29, socket.SOCK_RAW, 1),
    "key": (15, socket.SOCK_RAW, 2),
    "xdp": (44, socket.SOCK_RAW, 0),
    "tipc": (30, socket.SOCK_STREAM, 0),
    "truncated family": (2**32 + 16, socket.SOCK_RAW, 0),
}


@pytest.mark.parametrize("policy", ["strict", "python"])
@pytest.mark.parametrize("asked", SOCKETS.values(), ids=SOCKETS.keys())
def test_sockets_of_other_families_are_refused(least_privileged: Runner, policy: str, asked: tuple[int, ...]) -> None:
    result = least_privileged.program("calls", "call", number("socket"), *asked, policy=policy)
    assert (result.exit_code, int(result.stdout)) == (0, -errno.ENOSYS)


@pytest.mark.parametrize(
    "asked", [(socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_INET6, socket.SOCK_RAW, 58), (2, 10, 0)]
)
def test_raw_sockets_need_a_capability(run: Runner, asked: tuple[int, ...]) -> None:
    result = run.program("calls", "call", number("socket"), *asked, policy="python")
    assert int(result.stdout) < 0


def test_limits_of_other_processes_cannot_be_asked(run: Runner) -> None:
    for pid in (1, 2, os.getpid()):
        result = run.program("calls", "call", number("prlimit64"), pid, 0, 0, 0)
        assert int(result.stdout) == -errno.ENOSYS


def test_terminal_input_cannot_be_pushed(run: Runner) -> None:
    push = "for n in (0, 1, 2):\n try: fcntl.ioctl(n, 0x5412, b'x')\n except OSError as e: print(e.errno)"
    said = run.says(f"import fcntl\n{push}")
    assert said.split() == [str(errno.ENOTTY)] * 3
