"""A keeper in a namespace of a test's, whose jail asks beyond for ever: to be killed."""

import sys
from ipaddress import IPv4Network
from pathlib import Path

from sandbox import Command, Network, NetworkConfig, Sandbox, SandboxConfig
from sandbox.network import namespace
from tests.jail.asking import ASK
from tests.jail.running import MIB, PYTHON, limits

FOR_EVER = "\nwhile True: ask('udp', '203.0.113.7', 8080)"


def keep(instance: str, state_dir: Path) -> None:
    """Run the jail."""
    configs = Path(__file__).parents[2] / "jail-configs"
    offered = NetworkConfig(deny=(IPv4Network("203.0.113.200"),))
    sandbox = Sandbox(SandboxConfig(instance, state_dir, configs, slots=1, network=offered))
    with sandbox.slot() as slot, sandbox.jail(slot, limits(), 4 * MIB, network=Network()) as jail:
        jail.box.write("main.py", (ASK + FOR_EVER).encode())
        jail.run(Command((PYTHON, "-B", "main.py"), "python"), limits())


if __name__ == "__main__":
    namespace.inside(int(sys.argv[1]), lambda: keep(sys.argv[2], Path(sys.argv[3])))
