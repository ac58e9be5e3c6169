"""What machines need of this host, and a word to whoever waits."""

import os

from tests.vm.host import TREE, require, say

PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
STATE = TREE / "var" / "ansible"

__all__ = ["PROGRAMS", "STATE", "TREE", "prepare", "require", "say"]


def prepare() -> None:
    """Install what is missing where we may. Ends with a word where machines cannot be had."""
    if os.geteuid() != 0:
        raise SystemExit("shipd: only root can boot machines (debootstrap, systemd-nspawn):  sudo make test-ansible")
    require(PROGRAMS)
    STATE.mkdir(parents=True, exist_ok=True)
