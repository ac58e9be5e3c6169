"""The policies, for a program that is root of its user namespace, with capabilities that nothing else takes away."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import pyseccomp
import pytest

from sandbox import Cause, Command, Sandbox, SandboxConfig
from tests.jail.layers import weaken
from tests.jail.layers.attempts import CALLS, attempted, says
from tests.jail.running import PYTHON, Ask, answer, limits
from tests.jail.test_forbidden_calls import KILLED, NAMESPACES, SOCKETS


@pytest.fixture
def almighty(config: SandboxConfig, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox whose programs keep capabilities."""
    made = weaken.almighty(config, tmp_path)
    with weaken.nobody_looks():
        yield made


def calling(call: str, *arguments: int) -> str:
    """Python text that makes a call and prints what came back."""
    number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), call)
    made = ", ".join(f"ctypes.c_long({argument})" for argument in (number, *arguments))
    return f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.syscall({made}), ctypes.get_errno())"


def test_without_it_such_a_program_mounts_and_makes_namespaces(almighty: Sandbox) -> None:
    """What is asked below is worth something only if it would be done otherwise."""
    with weaken.no_seccomp():
        assert attempted(almighty, {name: CALLS[name] for name in ("mount", "sethostname", "chroot")}) == {
            "mount": "done",
            "sethostname": "done",
            "chroot": "done",
        }
        assert says(almighty, calling("unshare", NAMESPACES["mount"])) == "0 0\n"
        assert says(almighty, "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); print(1)") == "1\n"


@pytest.mark.parametrize("call", ["mount", "chroot", "ptrace", "bpf", "keyctl", "open_by_handle_at", "sethostname"])
def test_it_ends_a_program_that_may(almighty: Sandbox, call: str) -> None:
    assert call in KILLED
    result = answer(almighty, Ask(Command((PYTHON, "-c", calling(call)), "python"), limits())).result
    assert (result.cause, result.denied_syscall, result.stdout) == (Cause.SYSCALL, call, b"")


def test_it_makes_no_namespace_for_one_that_may(almighty: Sandbox) -> None:
    for flag in NAMESPACES.values():
        for call in ("unshare", "clone"):
            assert says(almighty, calling(call, flag)) == f"-1 {errno.ENOSYS}\n"


def test_it_gives_no_other_socket_to_one_that_may(almighty: Sandbox) -> None:
    for asked in SOCKETS.values():
        assert says(almighty, calling("socket", *asked)) == f"-1 {errno.ENOSYS}\n", asked
    assert says(almighty, f"{calling('socket', socket.AF_INET, socket.SOCK_STREAM, 0)}").endswith(" 0\n")
