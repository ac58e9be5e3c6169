"""The image of the machine: made once from its recipe, and again only when the recipe or the requirements change."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.vm import host

RECIPE = Path(__file__).with_name("image.sh")
LOCK = host.TREE / "requirements.lock"


def current(state: Path) -> Path:
    """Give the folder of the image, making it (a few minutes) unless it is there. Ends with a word where it cannot."""
    key = hashlib.sha256(RECIPE.read_bytes() + b"\0" + LOCK.read_bytes()).hexdigest()[:12]
    folder = state / f"image-{key}"
    if not folder.exists():
        _make(folder)
        _remove_others(state, folder)
    return folder


def _make(folder: Path) -> None:
    host.require(host.IMAGE_PROGRAMS)
    if os.geteuid() != 0:
        raise SystemExit("shipd: only root can make the image (debootstrap, chroot); once:  sudo make test-vm")
    host.say("making the image of the machine (3 minutes, kept until its recipe changes)")
    scratch = folder.with_name(f".making-{folder.name}-{os.getpid()}")
    scratch.mkdir(parents=True)
    try:
        # Mounts of the recipe end with its namespace, however it ends.
        argv = ["unshare", "--mount", "--propagation", "private", str(RECIPE), str(scratch), sys.executable, str(LOCK)]
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
