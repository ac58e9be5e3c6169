"""Interpreters that are started before the program is known: `jail-configs/interpreters/`.

The hook of Python is its module `usercustomize`, the last thing of the interpreter's own start. It says that it is
ready by a zero byte on stdout, then waits on stdin for the arguments; what follows there is the program's own input.
"""

import struct
import subprocess
from collections.abc import Sequence
from functools import cache
from os import fsencode
from pathlib import Path

from sandbox.result import SandboxError

READY = b"\0"
_LENGTH = struct.Struct("=I")
_FOLDERS = {"python": ".local/lib/python{version}/site-packages"}
_FILES = {"python": "usercustomize.py"}
_PATIENCE_S = 30.0


def hook_path(name: str, program: str) -> str:
    """Where in the box an interpreter finds its hook when it starts. Raises SandboxError for one not known."""
    if name not in _FOLDERS:
        raise SandboxError(f"no interpreter {name!r} can be started ahead; known: {', '.join(_FOLDERS)}")
    return f"{_FOLDERS[name].format(version=_version(program))}/{_FILES[name]}"


def hook(configs: Path, name: str) -> bytes:
    """Read a hook. Raises SandboxError."""
    path = configs / "interpreters" / f"{name}.py"
    try:
        return path.read_bytes()
    except OSError as error:
        raise SandboxError(f"the hook of interpreter {name!r} cannot be read: {error}") from error


def order(arguments: Sequence[str]) -> bytes:
    """Write what a waiting interpreter reads first."""
    listed = b"".join(fsencode(argument) + b"\0" for argument in arguments)
    return _LENGTH.pack(len(listed)) + listed


@cache
def _version(program: str) -> str:
    """Ask an interpreter of the host's for its version, which is part of the hook's place."""
    argv = [program, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        told = subprocess.run(argv, capture_output=True, check=True, timeout=_PATIENCE_S, env={}, text=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise SandboxError(f"{program} does not tell its version: {error}") from error
    return told.stdout.strip()
