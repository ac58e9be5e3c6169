"""Whether this host can offer a network to jails, tried in a namespace of its own: the host's rules stay untouched."""

import os

from sandbox.network import host, namespace, tools
from sandbox.network.link import linked
from sandbox.network.model import Network, NetworkConfig
from sandbox.result import SandboxError
from sandbox.slots import Slot

_SLOT = Slot(numbers=(0,), name="trial", cpus=(), init_uid=None, program_uid=0)


def attempt(config: NetworkConfig) -> None:
    """Make a link with both its fences and remove it, all within a new namespace. Raises SandboxError."""
    if os.geteuid() != 0:
        raise SandboxError("a jail with a network needs root")
    lacks = tools.missing()
    if lacks:
        raise SandboxError(f"{' and '.join(lacks)} missing: apt-get install -y {' '.join(lacks)}")
    made = namespace.make()
    try:
        namespace.inside(made, lambda: _attempt(config))
    finally:
        os.close(made)


def _attempt(config: NetworkConfig) -> None:
    with linked(host.OuterFence("trial", config), _SLOT, Network()):
        pass
