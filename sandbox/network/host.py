"""The host's side of the jails' links: forwarding, the outer fence, its own addresses.

Everything is read of the namespace that this thread is in (`/proc/thread-self/net`), never by way of `/sys`, which
shows that of whoever mounted it.
"""

import re
import threading
import zlib
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.network import fence, tools
from sandbox.network.model import NetworkConfig
from sandbox.network.namespace import SETTINGS
from sandbox.network.ranges import denied
from sandbox.result import SandboxError

TABLES = Path("/proc/thread-self/net")
_FORWARD_ALL = SETTINGS / "ipv4/ip_forward"
_LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


def prefix(instance: str) -> str:
    """Give how the names of an instance's links begin, short enough for 15 characters with a slot's number."""
    return f"shipd{zlib.crc32(instance.encode()) & 0xFFFFF:05x}-"


def table(instance: str) -> str:
    """Name an instance's table; nftables knows no dashes in names, instances no underscores."""
    return "shipd_" + instance.replace("-", "_")


class OuterFence:
    """The fence of one instance; looked at before every run, for others have a hand on the host's rules too."""

    def __init__(self, instance: str, config: NetworkConfig) -> None:
        self.instance = instance
        self.config = config
        self._lock = threading.Lock()
        self._asked: str | None = None
        self._stands: str | None = None

    def stand(self) -> None:
        """See to it that the fence stands and that the host forwards what passes it. Raises SandboxError."""
        name = table(self.instance)
        wanted = fence.outer(
            fence.Outer(name, prefix(self.instance) + "*", denied(self.config), tuple(forwarding_uplinks())),
            self.config,
        )
        with self._lock:
            # Replacing it takes the kernel a tenth of a second, listing it a twentieth of that.
            if wanted == self._asked and self._stands is not None and tools.listed(name) == self._stands:
                return
            tools.nft(wanted)
            self._asked, self._stands = wanted, tools.listed(name)
        if self._stands is None:
            raise SandboxError(f"nft took the table {name}, but it is not there")


def forwarding_uplinks() -> list[str]:
    """Turn forwarding on where the answers to jails come in, unless the host forwards everywhere already.

    The host's own `ip_forward` is never changed, and so still says whether its operator wants a router. Gives the
    interfaces that only jails may use: nothing where the host is a router anyway.
    """
    if _FORWARD_ALL.read_text().strip() == "1":
        return []
    found = uplinks()
    for interface in found:
        forward(interface)
    return found


def forward(interface: str) -> None:
    """Let what comes in at this interface be forwarded. Raises SandboxError."""
    _set(SETTINGS / "ipv4/conf" / interface / "forwarding", "1")


def without_ipv6(interface: str) -> None:
    """Turn IPv6 off at an interface, so that nothing of it is ever sent there. Raises SandboxError."""
    path = SETTINGS / "ipv6/conf" / interface / "disable_ipv6"
    if path.exists():
        _set(path, "1")


def _set(path: Path, value: str) -> None:
    try:
        if path.read_text().strip() != value:
            path.write_text(value)
    except OSError as error:
        raise SandboxError(f"{path} does not take {value}: {error.strerror}") from error


def uplinks() -> list[str]:
    """List the interfaces with a default route."""
    rows = [line.split() for line in (TABLES / "route").read_text().splitlines()[1:]]
    return sorted({row[0] for row in rows if row[1] == row[7] == "00000000" and not row[0].startswith("shipd")})


def own_addresses() -> list[IPv4Address]:
    """List the host's addresses."""
    found = _LOCAL.findall((TABLES / "fib_trie").read_text())
    return sorted({IPv4Address(text) for text in found})


def counted(interface: str) -> int | None:
    """Read how many bytes an interface received and sent; None where there is none of that name."""
    for line in (TABLES / "dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == interface:
            fields = numbers.split()
            return int(fields[0]) + int(fields[8])
    return None
