"""The network namespace, with every socket that there is."""

import errno
import socket
from collections.abc import Iterator

import pytest

from sandbox import Sandbox
from tests.jail.layers import weaken
from tests.jail.layers.attempts import says
from tests.jail.test_network import TRY


@pytest.fixture
def any_socket(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox without seccomp."""
    with weaken.no_seccomp():
        yield sandbox


def outcome(sandbox: Sandbox, family: str, kind: str, address: object) -> str:
    return says(sandbox, f"{TRY}\nprint(tried(socket.{family}, socket.{kind}, {address!r}))").strip()


def test_the_hosts_loopback_is_not_reached(any_socket: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert outcome(any_socket, "AF_INET", "SOCK_STREAM", server.getsockname()) == "ECONNREFUSED"
        own = server.getsockname()[1]
        text = f"import socket; s = socket.create_server(('127.0.0.1', {own})); print('free')"
        assert says(any_socket, text) == "free\n"


def test_an_abstract_socket_of_the_host_is_not_reached(any_socket: Sandbox) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0shipd-test-alone")
        server.listen()
        assert outcome(any_socket, "AF_UNIX", "SOCK_STREAM", "\0shipd-test-alone") == "ECONNREFUSED"


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("169.254.169.254", 80), ("224.0.0.1", 9)])
def test_there_is_no_way_out(any_socket: Sandbox, address: tuple[str, int]) -> None:
    assert outcome(any_socket, "AF_INET", "SOCK_STREAM", address) in {"ENETUNREACH", "EACCES"}
    assert outcome(any_socket, "AF_INET", "SOCK_DGRAM", address) in {"ENETUNREACH", "EACCES"}


# Asks the kernel for its links, as `ip link` does, and whether it may look at packets or make an address.
LINKS = """
import errno, os, socket, struct
def refused(make):
    try: make()
    except OSError as error: return errno.errorcode[error.errno]
    return "made"
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as line:
    line.send(struct.pack("=IHHIIBxHiII", 32, 18, 0x301, 1, 0, 0, 0, 0, 0, 0))
    print(line.recv(1 << 16).count(b"lo\\0"), len(socket.if_nameindex()))
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as line:
    line.send(struct.pack("=IHHIIBBBBI8s", 32, 20, 0x605, 2, 0, 2, 8, 0, 0, 1, struct.pack("=HH4B", 8, 2, 10, 9, 8, 7)))
    print(errno.errorcode[-struct.unpack_from("=i", line.recv(1 << 16), 16)[0]])
print(refused(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300)),
      refused(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)))
"""


def test_there_is_one_link_and_nothing_to_do_with_it(any_socket: Sandbox) -> None:
    links, address, sockets = says(any_socket, LINKS).splitlines()
    assert (links, address) == ("1 1", "EPERM")
    assert set(sockets.split()) <= {"EPERM", errno.errorcode[errno.EAFNOSUPPORT]}
