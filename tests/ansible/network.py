"""A network that is nobody else's: a namespace with a switch, and one for each machine behind it."""

import os
import secrets
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Self

PREFIX = "10.99.0"


class Network:
    """Use it in a `with` statement: its namespaces are gone after it, and with them all that was in them."""

    def __init__(self) -> None:
        self.name = f"shipd-ansible-{os.getpid()}-{secrets.token_hex(2)}"
        self.machines: list[str] = []

    def __enter__(self) -> Self:
        _ip("netns", "add", self.name)
        try:
            _ip("-n", self.name, "link", "set", "lo", "up")
            _ip("-n", self.name, "link", "add", "switch", "type", "bridge")
            _ip("-n", self.name, "address", "add", f"{PREFIX}.1/24", "dev", "switch")
            _ip("-n", self.name, "link", "set", "switch", "up")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def add(self) -> tuple[str, str]:
        """Make the namespace of one more machine; gives its name and the machine's address."""
        number = len(self.machines) + 1
        name, address = f"{self.name}-{number}", f"{PREFIX}.{number + 9}"
        _ip("netns", "add", name)
        self.machines.append(name)
        _ip("-n", self.name, "link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("-n", self.name, "link", "set", f"port{number}", "master", "switch", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        return name, address

    def inside(self, argv: Sequence[str], namespace: str | None = None) -> list[str]:
        """Give a command that runs another in the controller's namespace, or in a machine's."""
        return ["nsenter", f"--net=/run/netns/{namespace or self.name}", "--", *argv]

    def _remove(self) -> None:
        for name in [*self.machines, self.name]:
            _ip("netns", "delete", name)


def _ip(*arguments: str) -> None:
    argv = ["ip", *arguments]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
