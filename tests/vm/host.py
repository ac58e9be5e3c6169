"""What the machine needs of this host: programs by their Debian packages, and a word to whoever waits."""

import shutil
import time
from pathlib import Path

from standalone import preflight, toolchains

TREE = Path(__file__).absolute().parents[2]
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "tar": "tar",
}
IMAGE_PROGRAMS = {
    "debootstrap": "debootstrap",
    "mkfs.ext4": "e2fsprogs",
    "unshare": "util-linux",
    "chroot": "coreutils",
    "apt-config": "apt",
}
_began = time.monotonic()


def say(text: str) -> None:
    """Tell the person at the keyboard, with the time it took so far."""
    seconds = int(time.monotonic() - _began)
    print(f"shipd: [{seconds // 60}:{seconds % 60:02}] {text}", flush=True)  # noqa: T201 - a command's output


def require(programs: dict[str, str]) -> None:
    """Install what is missing where we may, else end with the line that installs it."""
    missing = _missing(programs)
    if missing and toolchains.may_install():
        toolchains.install([toolchains.Tool("the machine", present=False, packages=missing)], say)
        missing = _missing(programs)
    if missing:
        raise SystemExit("shipd: install first:  " + preflight.as_root(f"apt-get install -y {' '.join(missing)}"))


def _missing(programs: dict[str, str]) -> tuple[str, ...]:
    places = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return tuple(sorted({package for name, package in programs.items() if shutil.which(name, path=places) is None}))
