"""The wheels of requirements.lock: machines reach no package index."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.ansible import host

LOCK = host.TREE / "requirements.lock"
PYTHON = "3.11"
"""Debian 12's."""
PLATFORMS = ("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64")


def current() -> Path:
    """Give the folder of wheels, filled unless it is there. Ends with a word where that fails."""
    folder = host.STATE / f"wheels-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        _fill(folder)
        for other in host.STATE.glob("wheels-*"):
            if other != folder:
                shutil.rmtree(other)
    return folder


def _fill(folder: Path) -> None:
    host.say("fetching the wheels of requirements.lock (kept until it changes)")
    scratch = folder.with_name(f".making-{folder.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    platforms = [f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)] + list(PLATFORMS)
    argv = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes"),
        *("--no-deps", "--only-binary", ":all:", "--implementation", "cp", "--python-version", PYTHON),
        *(word for platform in platforms for word in ("--platform", platform)),
        *("--requirement", str(LOCK), "--dest", str(scratch)),
    ]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"shipd: no wheels: {done.stderr[-2000:]}")
    scratch.rename(folder)
