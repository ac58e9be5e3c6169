"""Small files that are the kernel's: control groups and /proc. They are read and written for every run."""

import os
from pathlib import Path

from sandbox.result import SandboxError

CHUNK_BYTES = 1 << 16


def read(path: str | Path) -> str:
    """Read one. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = os.read(descriptor, CHUNK_BYTES)
        while more := os.read(descriptor, CHUNK_BYTES):
            content += more
    finally:
        os.close(descriptor)
    return content.decode()


def write(path: str | Path, value: object) -> None:
    """Write one, by one call. Raises SandboxError naming file and value."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, str(value).encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SandboxError(f"{path} does not take {value!r}: {error.strerror}") from error


def keyed(path: str | Path) -> dict[str, int]:
    """Read a file of `name number` lines."""
    return {name: int(value) for name, value in (line.split()[:2] for line in read(path).splitlines() if line)}


def number(path: str | Path) -> int | None:
    """Read a file of one number; None where this kernel has no such file."""
    try:
        return int(read(path))
    except FileNotFoundError:
        return None
