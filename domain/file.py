"""A file of a submission (pure, frozen)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """One file by its path relative to the box (validated: no `..`, not absolute, no NUL), with permission bits."""

    path: str
    content: bytes
    mode: int = 0o644
