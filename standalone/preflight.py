"""What must be there before anything is installed, each with the one line that mends it.

`python3 -m standalone.preflight [--ports]`, the first thing that `make` does. It runs with the standard library alone,
and on any Python 3 that is still around: telling that one is too old is part of it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from standalone import lock, ports

if TYPE_CHECKING:
    from collections.abc import Sequence

STATE = Path(os.environ.get("SHIPD_STATE_DIR") or Path(__file__).parent.parent / "var").absolute()
PYTHON = (3, 11)
NEEDED_MODULES = ("venv", "ensurepip")
SETTINGS = Path("/proc/sys")
SYSCTLS = {
    # What each must not be, and what to set it to; a kernel has those of its distribution.
    "user.max_user_namespaces": ("0", "15000"),
    "kernel.unprivileged_userns_clone": ("0", "1"),
    "kernel.apparmor_restrict_unprivileged_userns": ("1", "0"),
}


def as_root(command: str) -> str:
    """Write a command that needs root, for whoever we are."""
    return command if os.geteuid() == 0 else f"sudo {command}"


def python_problem() -> str | None:
    """Say what is wrong with the interpreter that runs this."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return f"Python {found} is too old, 3.11 is needed; name one that is not:  make up PYTHON=python3.11"
    missing = [name for name in NEEDED_MODULES if importlib.util.find_spec(name) is None]
    if missing:
        package = f"python3.{sys.version_info[1]}-venv"
        return f"Python {found} has no {' and no '.join(missing)}; install it:  " + as_root(
            f"apt-get install -y {package}"
        )
    return None


def namespaces_problem() -> str | None:
    """Say why this user cannot make user namespaces, which every jail is one of."""
    try:
        tried = subprocess.run(
            ["unshare", "--user", "--map-root-user", "true"],  # noqa: S607 - wherever it is installed
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return "there is no program unshare; install it:  " + as_root("apt-get install -y util-linux")
    if tried.returncode == 0:
        return None
    return f"user namespaces cannot be used ({tried.stderr.strip()}); {_namespaces_fix()}"


def _namespaces_fix() -> str:
    for name, (wrong, right) in SYSCTLS.items():
        path = SETTINGS / name.replace(".", "/")
        if path.exists() and path.read_text().strip() == wrong:
            return "allow them:  " + as_root(f"sysctl -w {name}={right}")
    return "the container or the security module that this runs in forbids them: run it outside"


def ports_problem(folder: Path, wanted: str | None) -> str | None:
    """Say which port of this clone belongs to someone else. `wanted` is SHIPD_PORT, None where it is not set."""
    owner = lock.owner(folder / "lock")
    if owner is not None:  # its ports are its own; where only the stopping is left, the start waits for its end
        lives = Path(f"/proc/{owner}").exists()
        return f"it is up already (process {owner}); stop it:  make stop" if lives else None
    if wanted is None:
        return _remembered_problem(folder / "ports.json", ())
    if not (wanted.isdecimal() and 0 < int(wanted) < 65536):
        return f"SHIPD_PORT={wanted} is no port; give a number from 1 to 65535:  SHIPD_PORT=8000 make up"
    if not ports.is_free(int(wanted)):
        return f"port {wanted} is in use; choose another:  SHIPD_PORT={int(wanted) % 65535 + 1} make up"
    return _remembered_problem(folder / "ports.json", ("api",))


def _remembered_problem(path: Path, unused: Sequence[str]) -> str | None:
    known = json.loads(path.read_text()) if path.exists() else {}
    taken = [f"{name} ({port})" for name, port in known.items() if name not in unused and not ports.is_free(port)]
    if not taken:
        return None
    return f"someone else uses the port of {', '.join(taken)}; choose new ones:  rm {path}"


def problems(*, with_ports: bool, folder: Path = STATE) -> list[str]:
    """List everything that is wrong; an empty list means that set-up can begin."""
    wanted = os.environ.get("SHIPD_PORT") or None
    found = [python_problem(), namespaces_problem(), ports_problem(folder, wanted) if with_ports else None]
    return [problem for problem in found if problem is not None]


def main(arguments: Sequence[str]) -> None:
    """End with every problem found, each with its line."""
    found = problems(with_ports="--ports" in arguments)
    if found:
        raise SystemExit("\n".join(f"shipd: {problem}" for problem in found))


if __name__ == "__main__":
    main(sys.argv[1:])
