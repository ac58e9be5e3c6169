"""From a fresh clone to an environment that can run: `python3 -m standalone.bootstrap`, behind `make`.

After `standalone.preflight`: installs the compilers that it may, `.venv` from `requirements.lock`, the sandbox's init,
and what saves compilers time. What was done is stamped, so that the second time takes none. Standard library
only: nothing else is there yet.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from standalone import preflight, toolchains

TREE = Path(__file__).absolute().parent.parent
VENV = TREE / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = TREE / "requirements.lock"


def say(text: str) -> None:
    """Tell the person at the keyboard."""
    print(f"shipd: {text}", flush=True)  # noqa: T201 - this is a command, and its output is what it says


def install_toolchains() -> None:
    """Install what the machine lacks and we may install; say what was skipped and how to install it."""
    folder = TREE / "jail-configs" / "languages"
    missing = [tool for tool in toolchains.tools(folder) if not tool.present]
    if missing and toolchains.may_install():
        toolchains.install(missing, say)
        missing = [tool for tool in toolchains.tools(folder) if not tool.present]
    for tool in missing:
        say(f"skipped, not installed: {tool.name}; install it:  {preflight.as_root(tool.command)}")
    if any(tool.needed for tool in missing):
        raise SystemExit("shipd: nothing can run without what is listed above")


def install_packages() -> None:
    """Make `.venv` anew from the lock, and put this tree into it, unless stamps say that this was done."""
    environment = [LOCK.read_bytes(), sys.version.encode(), bytes(VENV)]
    _unless_done(VENV / "locked.stamp", environment, _install_locked)
    _unless_done(VENV / "tree.stamp", [*environment, (TREE / "setup.cfg").read_bytes()], _install_tree)


def _install_locked() -> None:
    say(f"installing {LOCK.name} into {VENV.name} (a minute, the first time)")
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    _pip("--require-hashes", "-r", str(LOCK))


def _install_tree() -> None:
    # What builds it came with the lock; nothing else is fetched. `compat`: packages added later are found too.
    _pip("--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat", "--editable", str(TREE))


def _pip(*arguments: str) -> None:
    _run([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments])


def _unless_done(stamp: Path, made_of: Sequence[bytes], action: Callable[[], None]) -> None:
    wanted = hashlib.sha256(b"\0".join(made_of)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    action()
    stamp.write_text(wanted)


def build_init() -> None:
    """Compile the program that is PID 1 in every jail, where it is not up to date."""
    _run([str(PYTHON), "-m", "sandbox", "build"])


def make_caches() -> None:
    """Make what saves compilers time, where it is not there yet; without it they are slower and nothing else."""
    argv = [str(PYTHON), "-m", "workers", "caches"]
    done = subprocess.run(argv, cwd=TREE, capture_output=True, text=True, check=False, env=_environ())
    if done.returncode != 0:
        say(f"skipped, compilers will be slower: {(done.stdout + done.stderr).strip()}")


def _run(argv: Sequence[str]) -> None:
    quiet = subprocess.DEVNULL
    done = subprocess.run(argv, cwd=TREE, stdin=quiet, stdout=quiet, check=False, env=_environ())
    if done.returncode != 0:
        raise SystemExit(f"shipd: {' '.join(argv)} failed with exit code {done.returncode}")


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "VIRTUAL_ENV"}}


def main() -> None:
    """Do every step in order."""
    install_toolchains()
    install_packages()
    build_init()
    make_caches()


if __name__ == "__main__":
    main()
