"""An internet for tests: two network namespaces, a host that runs jails and everything beyond it.

    jail ── (what is tested) ── host ── up0 ── beyond

`beyond` answers at every address there is, public or not, of both kinds, and knows the way to the jails' own: whatever
gets there from a jail is heard. Nothing can leave: neither namespace has an interface to the machine's own network.
"""

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sandbox.network import namespace, tools
from sandbox.network.model import DEFAULT_BLOCK

PORTS = (53, 80, 443, 853, 5432, 8080)
PATIENCE_S = 30
IP_PKTINFO = 8
"""Of <linux/in.h>; Python has no name for it."""
HOST, GATEWAY = "192.0.2.10", "192.0.2.1"
HOST6 = "2001:db8::10"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Heard:
    """What came to a server: `there` is where, as its address and port."""

    protocol: str
    there: tuple[str, int]
    by: str


@dataclass
class Internet:
    """The two namespaces, as descriptors, and what their servers heard."""

    host: int
    beyond: int
    at_beyond: list[Heard] = field(default_factory=list)
    at_host: list[Heard] = field(default_factory=list)
    word: bytes = b"hello"
    """What every server answers."""
    news: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, heard: Heard) -> None:
        """Wait until something was heard beyond."""
        with self.news:
            assert self.news.wait_for(lambda: heard in self.at_beyond, PATIENCE_S), self.at_beyond

    def on_host(self, action: Callable[[], Result]) -> Result:
        """Do something as a process of the host would."""
        return namespace.inside(self.host, action)

    def traces(self) -> dict[str, object]:
        """What runs leave behind on the host, if they do."""
        return self.on_host(_traces)


def _traces() -> dict[str, object]:
    links = [line.split(":")[0].strip() for line in Path("/proc/thread-self/net/dev").read_text().splitlines()]
    routes = Path("/proc/thread-self/net/fib_trie").read_text()
    count = namespace.SETTINGS / "netfilter/nf_conntrack_count"
    return {
        "links": [name for name in links if name.startswith("shipd")],
        "addresses": "198.18." in routes,
        # Where this is a module of the kernel, nobody has needed it yet.
        "connections": int(count.read_text()) if count.exists() else 0,
    }


@contextmanager
def internet() -> Iterator[Internet]:
    """Make both namespaces with servers in them; they are gone with their descriptors."""
    made = Internet(namespace.make(), namespace.make())
    end, ended = os.pipe()
    try:
        namespace.inside(made.host, lambda: _wire(made.beyond))
        namespace.inside(made.beyond, _answer_everywhere)
        with serving(made, end, ended):
            yield made
    finally:
        for descriptor in (made.host, made.beyond, end, ended):
            os.close(descriptor)


@contextmanager
def serving(net: Internet, end: int, ended: int) -> Iterator[None]:
    """Answer in both namespaces until the block is left."""
    servers = [
        *((net.at_beyond, server) for server in namespace.inside(net.beyond, _servers)),
        *((net.at_host, server) for server in namespace.inside(net.host, _servers)),
    ]
    thread = threading.Thread(target=_serve, args=(net, servers, end), name="internet")
    thread.start()
    try:
        yield
    finally:
        os.write(ended, b"x")
        thread.join()
        for _, server in servers:
            server.close()


def _wire(beyond: int) -> None:
    with_ipv6()
    tools.ip(f"link add up0 type veth peer name down0 netns /proc/self/fd/{beyond}", pass_fds=(beyond,))
    tools.ip(
        f"addr add {HOST}/24 dev up0",
        f"addr add {HOST6}/64 dev up0 nodad",
        "link set lo up",
        "link set up0 up",
        f"route add default via {GATEWAY}",
        "route add default via 2001:db8::1",
    )
    # The hardest case: a host that would forward IPv6 wherever it could.
    (namespace.SETTINGS / "ipv6/conf/all/forwarding").write_text("1")


def _answer_everywhere() -> None:
    with_ipv6()
    down = namespace.SETTINGS / "ipv6/conf/down0/disable_ipv6"
    down.write_text("0")
    tools.ip(
        f"addr add {GATEWAY}/24 dev down0",
        "addr add 2001:db8::1/64 dev down0 nodad",
        "link set lo up",
        "link set down0 up",
        f"route add {DEFAULT_BLOCK} via {HOST}",
        "route add local 0.0.0.0/0 dev lo",
        "route add local ::/0 dev lo",
    )


def with_ipv6() -> None:
    """Have IPv6 in the namespace of this thread."""
    (namespace.SETTINGS / "ipv6/conf/default/disable_ipv6").write_text("0")


def _servers() -> list[socket.socket]:
    """Servers at every address, of both protocols and both kinds."""
    made = []
    for port in PORTS:
        stream = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        made.append(stream)
        for family, option in ((socket.AF_INET, IP_PKTINFO), (socket.AF_INET6, socket.IPV6_RECVPKTINFO)):
            datagrams = socket.socket(family, socket.SOCK_DGRAM)
            level = socket.IPPROTO_IP if family == socket.AF_INET else socket.IPPROTO_IPV6
            if family == socket.AF_INET6:
                datagrams.setsockopt(level, socket.IPV6_V6ONLY, 1)
            datagrams.setsockopt(level, option, 1)
            datagrams.bind(("", port))
            made.append(datagrams)
    return made


def _serve(net: Internet, servers: list[tuple[list[Heard], socket.socket]], end: int) -> None:
    by_number = {server.fileno(): (heard, server) for heard, server in servers}
    while True:
        ready, _, _ = select.select([*by_number, end], [], [])
        if end in ready:
            return
        for number in ready:
            _answer(net, *by_number[number])


def _answer(net: Internet, heard: list[Heard], server: socket.socket) -> None:
    """Note what is heard before it is answered: whoever has an answer may look at once."""

    def note(found: Heard) -> None:
        with net.news:
            heard.append(found)
            net.news.notify_all()

    if server.type == socket.SOCK_STREAM:
        connection, peer = server.accept()
        with connection:
            note(Heard("tcp", _plain(connection.getsockname()), _plain(peer)[0]))
            connection.sendall(net.word + b"\n")
        return
    _, details, _, peer = server.recvmsg(2048, 256)
    address = _asked(details[0][2], server.family)
    note(Heard("udp", (address, server.getsockname()[1]), peer[0]))
    with contextlib.suppress(OSError):  # there may be no way back
        server.sendmsg([net.word], details, 0, peer)


def _plain(name: tuple[str, int]) -> tuple[str, int]:
    return name[0].removeprefix("::ffff:"), name[1]


def _asked(details: bytes, family: socket.AddressFamily) -> str:
    # struct in_pktinfo: index, local address, destination; struct in6_pktinfo: destination, index
    return socket.inet_ntop(family, details[8:12] if family == socket.AF_INET else details[:16])
