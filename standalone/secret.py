"""Passwords and keys that exist on one machine only, each in a file that its owner alone can read."""

import os
import secrets
from pathlib import Path

LENGTH_BYTES = 24


def write(path: Path, text: str) -> None:
    """Write `text` to a file of mode 0600, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
    new.replace(path)


def kept(path: Path) -> str:
    """Read the secret in `path`, made at the first call."""
    if not path.exists():
        write(path, secrets.token_urlsafe(LENGTH_BYTES))
    return path.read_text()
