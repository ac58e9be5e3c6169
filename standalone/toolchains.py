"""Compilers and interpreters that the languages need: which are missing, and installing them where we may.

The languages' own files say what program each needs and how Debian installs it. Standard library only.
"""

import ctypes
import os
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LIBSECCOMP = "libseccomp.so.2"
C_HEADER = Path("/usr/include/stdio.h")
C_COMPILER = Path("/usr/bin/cc")
APT = ("apt-get", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0")


@dataclass(frozen=True)
class Tool:
    """Something the machine should have: whether it has, and the packages that bring it."""

    name: str
    present: bool
    packages: tuple[str, ...]
    needed: bool = False
    """Whether nothing works without it; otherwise one language is unavailable."""

    @property
    def command(self) -> str:
        """The line that installs it, to be run by root."""
        return shlex.join(["apt-get", "install", "-y", *self.packages])


def tools(folder: Path) -> list[Tool]:
    """List what the platform needs by itself, then what every language file of `folder` names."""
    own = [
        Tool("C compiler", C_COMPILER.exists() and C_HEADER.exists(), ("gcc", "libc6-dev"), needed=True),
        Tool("libseccomp", _loads(LIBSECCOMP), ("libseccomp2",), needed=True),
    ]
    return [*own, *(_language(path) for path in sorted(folder.glob("*.toml")))]


def _language(path: Path) -> Tool:
    known = tomllib.loads(path.read_text())
    words = shlex.split(known["install"])
    packages = [word for word in words[2:] if not word.startswith("-")] if words[:2] == ["apt-get", "install"] else []
    # A jail sees the system's folders, so it counts what is there and not what this user's PATH finds.
    return Tool(known["title"], Path(known["version_argv"][0]).exists(), tuple(packages))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def may_install(system: Path = Path("/etc/debian_version")) -> bool:
    """Say whether packages can be installed by us: root, on Debian or what descends from it."""
    return os.geteuid() == 0 and system.exists()


def install(missing: Sequence[Tool], say: Callable[[str], None]) -> bool:
    """Install the packages of `missing`, telling what is done. Gives False where that failed; the rest goes on."""
    packages = sorted({package for tool in missing for package in tool.packages})
    say("installing " + " ".join(packages))
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return _run([*APT, "update"], environ, say) and _run([*APT, "install", *packages], environ, say)


def _run(argv: Sequence[str], environ: Mapping[str, str], say: Callable[[str], None]) -> bool:
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env=environ,
    )
    if done.returncode != 0:
        say(f"{shlex.join(argv)} failed: " + "\n".join(done.stdout.splitlines()[-5:]))
    return done.returncode == 0
