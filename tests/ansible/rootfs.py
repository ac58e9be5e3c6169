"""The root file system of the machines: made once from its recipe and the packages that roles name."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.ansible import host

RECIPE = Path(__file__).with_name("rootfs.sh")
ROLES = host.TREE / "ansible" / "roles"
LANGUAGES = ("c", "python")
"""The languages of the machines: all of them would be 1.9 GB. That every name is right, `.ci/run` shows, which installs
the same ones."""
INSTALLED_BY = ("release", "worker")
"""Roles whose packages are there already: compilers take longer to unpack than all the rest together."""


@dataclass(frozen=True)
class RootFs:
    """A root file system, and the key that opens it."""

    folder: Path

    @property
    def root(self) -> Path:
        """The tree itself, which nobody writes to."""
        return self.folder / "root"

    @property
    def key(self) -> Path:
        """The private key of root."""
        return self.folder / "key"

    @property
    def host_key(self) -> str:
        """What machines made of it show, as a line of known_hosts without its name."""
        return " ".join((self.folder / "host.pub").read_text().split()[:2])


def current() -> RootFs:
    """Give it, making it (a minute) unless it is there. Ends with a word where it cannot be made."""
    installed, offered = packages()
    recipe = b"\0".join([RECIPE.read_bytes(), *(" ".join(names).encode() for names in (installed, offered))])
    folder = host.STATE / f"root-{hashlib.sha256(recipe).hexdigest()[:12]}"
    if not folder.exists():
        _make(folder, installed, offered)
        for other in host.STATE.glob("root-*"):
            if other != folder:
                shutil.rmtree(other)
    return RootFs(folder)


def packages() -> tuple[list[str], list[str]]:
    """List what is installed already, and what roles will install: `NAME_packages` in a role's variables."""
    named = {role.name: set(_named(role)) for role in sorted(ROLES.iterdir())}
    installed = {name for role in INSTALLED_BY for name in named[role]}
    offered = {name for names in named.values() for name in names}
    return sorted(installed), sorted(offered - installed)


def variables(role: str) -> dict[str, Any]:
    """Read what a role sets for itself."""
    file = ROLES / role / "vars" / "main.yml"
    return (yaml.safe_load(file.read_text()) or {}) if file.exists() else {}


def _named(role: Path) -> Iterator[str]:
    known = variables(role.name)
    yield from known.get(f"{role.name}_packages", ())
    by_language = known.get("worker_language_packages", {})
    for language in LANGUAGES:
        yield from by_language.get(language, ())


def _make(folder: Path, installed: Sequence[str], offered: Sequence[str]) -> None:
    host.say("making the root file system of the machines (a minute, kept until its recipe changes)")
    scratch = folder.with_name(f".making-{folder.name}-{os.getpid()}")
    scratch.mkdir(parents=True)
    try:
        # Mounts of the recipe end with its namespace, however it ends.
        argv = ["unshare", "--mount", "--propagation", "private", str(RECIPE), str(scratch), *installed, "--", *offered]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            log = (scratch / "log").read_text(errors="replace").splitlines()[-20:] if (scratch / "log").exists() else []
            raise SystemExit(
                f"shipd: no root file system: {RECIPE.name} ended with {done.returncode}\n" + "\n".join(log)
            )
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
