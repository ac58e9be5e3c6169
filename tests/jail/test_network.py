import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import Command, Limits, RunAborted, Sandbox
from tests.jail.leaks import Territory
from tests.jail.running import PYTHON, Ask, Runner, answer, limits
from tests.waiting import eventually

TRY = """
import errno, socket, sys
def tried(family, kind, address):
    try:
        with socket.socket(family, kind) as s:
            s.settimeout(2)
            s.connect(address)
            if kind == socket.SOCK_DGRAM: s.send(b"x"); s.recv(1)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return "connected"
"""


def outcome(run: Runner, family: str, kind: str, address: object) -> str:
    return run.says(f"{TRY}\nprint(tried(socket.{family}, socket.{kind}, {address!r}))").strip()


def test_a_port_of_the_hosts_loopback_is_not_reached(run: Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert outcome(run, "AF_INET", "SOCK_STREAM", server.getsockname()) == "ECONNREFUSED"


def test_an_abstract_socket_of_the_host_is_not_reached(run: Runner) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0shipd-test-of-the-host")
        server.listen()
        assert outcome(run, "AF_UNIX", "SOCK_STREAM", "\0shipd-test-of-the-host") == "ECONNREFUSED"


# Addresses of documentation and link-local networks: nothing is sent even where a jail had a way out.
@pytest.mark.parametrize(
    ("family", "kind", "address"),
    [
        ("AF_INET", "SOCK_STREAM", ("192.0.2.1", 80)),
        ("AF_INET", "SOCK_DGRAM", ("192.0.2.1", 53)),
        ("AF_INET", "SOCK_STREAM", ("169.254.169.254", 80)),
        ("AF_INET6", "SOCK_STREAM", ("2001:db8::1", 80)),
        ("AF_INET", "SOCK_DGRAM", ("255.255.255.255", 67)),
    ],
)
def test_there_is_no_way_out(run: Runner, family: str, kind: str, address: tuple[str, int]) -> None:
    assert outcome(run, family, kind, address) in {"ENETUNREACH", "EADDRNOTAVAIL", "EACCES"}


def test_names_are_not_resolved(run: Runner) -> None:
    text = "import socket\ntry: socket.getaddrinfo('example.org', 80)\nexcept socket.gaierror: print('no')"
    assert run.says(text) == "no\n"


def test_a_program_has_a_loopback_of_its_own(run: Runner) -> None:
    text = (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "client = socket.create_connection(server.getsockname())\n"
        "client.send(b'hello'); print(server.accept()[0].recv(5))\n"
    )
    assert run.says(text) == "b'hello'\n"


LISTEN = """
import socket, time
unix = socket.socket(socket.AF_UNIX); unix.bind("\\0shipd-test-of-a-jail"); unix.listen()
tcp = socket.create_server(("127.0.0.1", 4321))
time.sleep(600)
"""


@contextmanager
def listening(sandbox: Sandbox, territory: Territory, end: Callable[[], None]) -> Iterator[None]:
    """A jail in which somebody listens, for as long as the block lasts."""
    ended = []

    def run() -> None:
        with pytest.raises(RunAborted):
            answer(sandbox, Ask(Command((PYTHON, "-c", LISTEN), "python"), patient))
        ended.append(True)

    patient: Limits = limits(wall_time_ms=600_000)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        eventually(lambda: any("@shipd-test-of-a-jail" in table for table in unix_tables()))
        yield
    finally:
        end()
        thread.join()
    assert ended


def unix_tables() -> Iterator[str]:
    """The sockets of every network namespace that has a process."""
    for entry in Path("/proc").glob("[0-9]*/net/unix"):
        try:
            yield entry.read_text()
        except OSError:  # the process is gone
            continue


def test_a_socket_of_another_jail_is_not_reached(
    abortable: tuple[Sandbox, Callable[[], None]], territory: Territory, run: Runner
) -> None:
    sandbox, abort = abortable
    with listening(sandbox, territory, abort):
        assert outcome(run, "AF_UNIX", "SOCK_STREAM", "\0shipd-test-of-a-jail") == "ECONNREFUSED"
        assert outcome(run, "AF_INET", "SOCK_STREAM", ("127.0.0.1", 4321)) == "ECONNREFUSED"
