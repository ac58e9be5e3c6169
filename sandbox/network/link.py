"""One run's link to the network: a namespace with one end of a veth pair, the other end on the host."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from sandbox.network import conntrack, fence, host, names, namespace, tools
from sandbox.network.host import OuterFence
from sandbox.network.model import Network
from sandbox.network.ranges import denied
from sandbox.result import SandboxError
from sandbox.slots import Slot


@dataclass(frozen=True)
class Link:
    """A link that stands. `namespace` is a descriptor of the run's network namespace."""

    namespace: int
    interface: str
    """The host's end."""
    hosts: str
    """The jail's /etc/hosts."""
    resolver: str
    """The jail's /etc/resolv.conf."""

    @property
    def identity(self) -> int:
        """Which namespace it is: what the program's must be."""
        return os.fstat(self.namespace).st_ino

    def bytes_moved(self) -> int | None:
        """How much went over it so far, both ways, as the host's end counts."""
        return host.counted(self.interface)


@dataclass(frozen=True)
class _Ends:
    interface: str
    host: IPv4Address
    jail: IPv4Address


@contextmanager
def linked(outer: OuterFence, slot: Slot, network: Network) -> Iterator[Link]:
    """Make a link for one run; it is gone when the block is left. Raises SandboxError.

    What an earlier holder of the slot left behind is removed first. The address is used by nobody else for as long
    as the slot is held.
    """
    if os.geteuid() != 0:
        raise SandboxError("a jail with a network needs root")
    ends = _ends(outer, slot)
    _clear(ends)
    own = host.own_addresses()
    if ends.host in own:
        raise SandboxError(f"{ends.host} is taken: give this instance another block of addresses (SHIPD_NETWORK_BLOCK)")
    outer.stand()
    made = namespace.make()
    try:
        refused = denied(outer.config, own)
        _connect(ends, made)
        ruleset = fence.inner(network, outer.config, refused)
        namespace.inside(made, lambda: _raise(ends, ruleset))
        hosts = names.hosts_file(network, refused)
        yield Link(made, ends.interface, hosts, names.resolver_file(network, outer.config))
    finally:
        _clear(ends)
        os.close(made)


def _ends(outer: OuterFence, slot: Slot) -> _Ends:
    number = zlib.crc32(outer.instance.encode()) + slot.numbers[0]
    return _Ends(f"{host.prefix(outer.instance)}{slot.numbers[0]}", *outer.config.pair(number))


def _connect(ends: _Ends, made: int) -> None:
    """Make the pair, the one end inside at once, the other up and forwarding."""
    peer = f"name {fence.INSIDE} netns /proc/self/fd/{made}"
    tools.ip(f"link add {ends.interface} type veth peer {peer}", pass_fds=(made,))
    host.without_ipv6(ends.interface)
    host.forward(ends.interface)
    tools.ip(f"addr add {ends.host}/31 dev {ends.interface}", f"link set {ends.interface} up")


def _raise(ends: _Ends, ruleset: str) -> None:
    """Inside: the fence before anything is up."""
    tools.nft(ruleset)
    tools.ip(
        f"addr add {ends.jail}/31 dev {fence.INSIDE}",
        f"link set {fence.INSIDE} up",
        "link set lo up",
        f"route add default via {ends.host}",
    )


def _clear(ends: _Ends) -> None:
    """Remove the pair and forget its connections, whether they are there or not."""
    if host.counted(ends.interface) is not None:
        try:
            tools.ip(f"link delete {ends.interface}")
        except SandboxError:
            # With its namespace the kernel may have removed it meanwhile, where the keeper before us was killed.
            if host.counted(ends.interface) is not None:
                raise
    conntrack.forget(ends.jail)
