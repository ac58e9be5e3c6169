"""The image of the machine: made once from its recipe, and again only when the recipe or the requirements change."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.vm import host

RECIPE = Path(__file__).with_name("image.sh")
LOCK = host.TREE / "requirements.lock"
ROLES = host.TREE / "ansible" / "roles"
PLAYED = ("common", "release", "api", "worker")
"""The roles that are played on the machine, and find their packages there: to unpack them takes minutes there."""
LANGUAGES = ("c", "python")
SERVERS = ("postgresql", "redis-server")


def current(state: Path) -> Path:
    """Give the folder of the image, making it (a few minutes) unless it is there. Ends with a word where it cannot."""
    recipe = b"\0".join((RECIPE.read_bytes(), LOCK.read_bytes(), " ".join(packages()).encode()))
    folder = state / f"image-{hashlib.sha256(recipe).hexdigest()[:12]}"
    if not folder.exists():
        _make(folder)
        _remove_others(state, folder)
    return folder


def packages() -> list[str]:
    """List what the roles install, from their variables `ROLE_packages`, and the servers that they need."""
    return sorted({*SERVERS, *(name for role in PLAYED for name in _named(role))})


def _named(role: str) -> Iterator[str]:
    known = yaml.safe_load((ROLES / role / "vars" / "main.yml").read_text())
    yield from known[f"{role}_packages"]
    for language in LANGUAGES if role == "worker" else ():
        yield from known["worker_language_packages"][language]


def _make(folder: Path) -> None:
    host.require(host.IMAGE_PROGRAMS)
    if os.geteuid() != 0:
        raise SystemExit("shipd: only root can make the image (debootstrap, chroot); once:  sudo make test-vm")
    host.say("making the image of the machine (3 minutes, kept until its recipe changes)")
    scratch = folder.with_name(f".making-{folder.name}-{os.getpid()}")
    scratch.mkdir(parents=True)
    try:
        # Mounts of the recipe end with its namespace, however it ends.
        recipe = [str(RECIPE), str(scratch), sys.executable, str(LOCK), *packages()]
        argv = ["unshare", "--mount", "--propagation", "private", *recipe]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise SystemExit(f"shipd: no image: {RECIPE.name} ended with {done.returncode}\n{_log(scratch)}")
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _log(scratch: Path) -> str:
    log = scratch / "log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:]) if log.exists() else ""


def _remove_others(state: Path, folder: Path) -> None:
    """Old images are gigabytes that nobody will boot again."""
    for other in state.glob("image-*"):
        if other != folder:
            shutil.rmtree(other)
