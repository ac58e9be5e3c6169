"""The box: the program's working folder, a file system of its jail's own, held by a descriptor."""

import ctypes
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sandbox import files
from sandbox.result import SandboxError

LOOKING_S = 2.0
"""Of CPU for all that is collected from one box: both paths and globs are the sender's, and together may cost hours."""
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Collected:
    """A file carried out of a box; `truncated` where it was longer than what may be taken."""

    path: str
    content: bytes
    truncated: bool


@dataclass(frozen=True)
class Collection:
    """What was carried out of a box. `cut` where there may be more than this: too many files, too much in all."""

    files: tuple[Collected, ...]
    cut: bool = False


class Box:
    """Files in before the program runs, files out when it is dead.

    `owner` is the host uid (and gid) that files are made as, None where we are that user already. The file system
    lives for as long as the descriptor is open, so files can be read after the jail has gone.
    """

    def __init__(self, folder: int, owner: int | None) -> None:
        self.folder = folder
        self.owner = owner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file system go."""
        os.close(self.folder)

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Put a file in. Raises OSError: ENOSPC where the box is too small, EEXIST, ENOTDIR for clashing names."""
        with acting_as(self.owner):
            files.write(self.folder, path, content, mode)

    def make_folder(self, path: str) -> None:
        """Make a folder, and those that it lies in; one that is there is left. Raises OSError, as `write` does."""
        with acting_as(self.owner):
            files.make_folders(self.folder, f"{path}/")

    def unlink(self, path: str) -> None:
        """Take a file away again, while no program is there. Raises OSError."""
        with acting_as(self.owner):
            os.unlink(path, dir_fd=self.folder)

    def remove(self, path: str) -> None:
        """Take a file and the folders above it away again, while no program is there. Raises OSError."""
        with acting_as(self.owner):
            files.remove(self.folder, path)

    def read(self, path: str, at_most: int) -> tuple[bytes, bool] | None:
        """Read a regular file: up to `at_most` bytes and whether there was more. None where there is none."""
        return files.read(self.folder, path, at_most)

    def collect(self, patterns: Sequence[str], *, max_files: int, max_file_bytes: int, max_bytes: int) -> Collection:
        """Carry out the regular files that any of the globs means, in name order, within the caps."""
        found: list[Collected] = []
        left, short = max_bytes, False
        walk = files.Walk(self.folder)
        tired_at = time.thread_time() + LOOKING_S
        for path in walk:
            if time.thread_time() > tired_at:
                return Collection(tuple(found), cut=True)
            if not any(files.matches(path, pattern) for pattern in patterns):
                continue
            if len(found) == max_files:
                return Collection(tuple(found), cut=True)
            read = self.read(path, min(max_file_bytes, left))
            if read is not None:
                found.append(Collected(path, *read))
                short = short or (left < max_file_bytes and read[1])
                left -= len(read[0])
        return Collection(tuple(found), cut=short or walk.cut)

    def used_bytes(self) -> int:
        """How much of the box's file system is taken."""
        status = os.fstatvfs(self.folder)
        return (status.f_blocks - status.f_bfree) * status.f_frsize


@contextmanager
def acting_as(uid: int | None) -> Iterator[None]:
    """Reach files as this host uid and gid, in this thread only (setfsuid(2)); None changes nothing."""
    if uid is None:
        yield
        return
    _set_file_ids(uid, uid)
    try:
        yield
    finally:
        _set_file_ids(os.geteuid(), os.getegid())


def _set_file_ids(uid: int, gid: int) -> None:
    # The group first: without uid 0 it could no longer be changed.
    for call, wanted in (
        ((_libc.setfsgid, gid), (_libc.setfsuid, uid)) if uid else ((_libc.setfsuid, uid), (_libc.setfsgid, gid))
    ):
        call(wanted)
        if call(-1) != wanted:  # an invalid id changes nothing and tells the present one
            raise SandboxError(f"cannot reach files as uid {uid}")
