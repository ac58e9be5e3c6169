"""How names resolve inside a jail with a network: files of its own, nothing of the host's (pure)."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network

from sandbox.network.model import Network, NetworkConfig
from sandbox.network.ranges import reachable
from sandbox.result import SandboxError

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,62})?(\.[a-z0-9_]([a-z0-9_-]{0,62})?)*")
SWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"


def hosts_file(network: Network, refused: Iterable[IPv4Network]) -> str:
    """Write /etc/hosts. Of a name's addresses those that are denied are left out: even they are nobody's business."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    networks = list(refused)
    for name, addresses in network.names.items():
        if not _NAME.fullmatch(name):
            raise SandboxError(f"{name!r} is no name of a host")
        lines += [f"{address} {name}" for address in reachable(addresses, networks)]
    return "\n".join(lines) + "\n"


def resolver_file(network: Network, config: NetworkConfig) -> str:
    """Write /etc/resolv.conf: the configured resolver for a run without an allow-list, else nobody."""
    if network.allow is None and config.resolver is not None:
        return f"nameserver {config.resolver}\noptions timeout:2 attempts:2\n"
    # Without any server glibc would ask 127.0.0.1; nobody is there, so the answer is quick.
    return "options timeout:1 attempts:1\n"
