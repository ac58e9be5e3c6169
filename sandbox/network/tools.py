"""The two programs that set networks up: `ip` of iproute2 and `nft` of nftables."""

import os
import subprocess
from collections.abc import Sequence

from sandbox.result import SandboxError

PACKAGES = {"ip": "iproute2", "nft": "nftables"}
PATIENCE_S = 30
_FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")


def missing() -> list[str]:
    """List the packages of the programs that are not there."""
    return [package for name, package in PACKAGES.items() if _place(name) is None]


def ip(*lines: str, pass_fds: Sequence[int] = ()) -> None:
    """Do what these lines of `ip -batch` say; the first that fails ends it. Raises SandboxError."""
    _run("ip", ["-batch", "-"], "\n".join(lines) + "\n", pass_fds)


def nft(ruleset: str) -> None:
    """Apply a ruleset, all of it or nothing. Raises SandboxError."""
    _run("nft", ["-f", "-"], ruleset)


def listed(table: str) -> str | None:
    """List a table of the family `inet`; None where there is no such table."""
    try:
        return _run("nft", ["list", "table", "inet", table], "")
    except SandboxError:
        return None


def _run(name: str, arguments: Sequence[str], text: str, pass_fds: Sequence[int] = ()) -> str:
    place = _place(name)
    if place is None:
        raise SandboxError(f"{name} is missing: apt-get install -y {PACKAGES[name]}")
    try:
        done = subprocess.run(
            [place, *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
            env={},
            pass_fds=pass_fds,
        )
    except subprocess.CalledProcessError as error:
        raise SandboxError(f"{name} failed: {error.stderr.strip()}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"{name} failed: {error}") from error
    return done.stdout


def _place(name: str) -> str | None:
    """Find it where it belongs: the environment, and with it PATH, says nothing here."""
    return next((f"{folder}/{name}" for folder in _FOLDERS if os.access(f"{folder}/{name}", os.X_OK)), None)
