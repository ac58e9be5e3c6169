"""Free ports on 127.0.0.1, chosen once and remembered, so that two clones run side by side."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LOWEST = 15_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 200


class PortTaken(Exception):  # noqa: N818 - it names what is the case
    """A port that this clone remembers, or was told to use, belongs to someone else."""


def is_free(port: int) -> bool:
    """Say whether a server could listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose(count: int) -> list[int]:
    """Choose `count` different free ports, below those that the kernel lends to outgoing connections.

    A port of that range could be lent to anyone while our server is down. Raises PortTaken when none is found.
    """
    among = candidates()
    tried = random.SystemRandom().sample(among, TRIES)
    found = [port for port in tried if is_free(port)][:count]
    if len(found) < count:
        raise PortTaken(f"no {count} free ports among {TRIES} tried from {among.start} to {among.stop}")
    return found


def candidates() -> range:
    """Give the ports that are chosen from."""
    highest = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else 32_768
    return range(LOWEST, max(highest, LOWEST + 2 * TRIES))


def remembered(path: Path, names: Sequence[str]) -> dict[str, int]:
    """Give the port of every name as kept in the JSON file `path`, choosing and keeping those not there yet."""
    known: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in names if name not in known]
    if missing:
        known |= dict(zip(missing, choose(len(missing)), strict=True))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(known, indent=2) + "\n")
    return {name: known[name] for name in names}
