"""What a host fetched from a store that is far away: by hash, bounded, for all processes of the host.

    FOLDER/ab/cd/abcd...   a blob, whole; its time of change is that of its last use
    FOLDER/new/abcd...     being fetched, locked by whoever fetches it
    FOLDER/bytes           how much there is, about; locked while it is changed

However many ask for a blob at the same moment, one of them fetches it and the others wait for its lock. If it is killed
the kernel gives the lock to the next, who begins anew. Whatever is read is compared with its hash: nothing need be on
disk before it is used.
"""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from domain.blobs import damaged, path_of

KEPT_SHARE = 0.8
"""How much of its room is full after the longest unused was thrown away."""

Fetch = Callable[[BinaryIO], None]
"""Writes the whole of a blob into a file. Raises BlobMissing, BlobsAway."""


@dataclass(frozen=True)
class BlobCache:
    """One folder of a host, for at most `max_bytes`. Every method raises OSError where it cannot be written."""

    folder: Path
    max_bytes: int

    def get(self, sha256: str, fetch: Fetch) -> bytes:
        """Give a blob, from here or else fetched. Raises BlobDamaged where what comes is another, what `fetch` does."""
        data = self._read(sha256)
        if data is not None:
            return data
        with self._filled(sha256, fetch) as file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise damaged(sha256)
        return data

    def open(self, sha256: str) -> BinaryIO | None:
        """Open a blob that is here; None where it is not."""
        path = self._path(sha256)
        try:
            os.utime(path)
            return path.open("rb")
        except FileNotFoundError:
            return None

    def remove(self, sha256: str) -> None:
        """Throw a blob away, here or not."""
        self._path(sha256).unlink(missing_ok=True)

    def _read(self, sha256: str) -> bytes | None:
        file = self.open(sha256)
        if file is None:
            return None
        with file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
        self.remove(sha256)
        return None

    def _path(self, sha256: str) -> Path:
        return self.folder / path_of(sha256)

    def _filled(self, sha256: str, fetch: Fetch) -> BinaryIO:
        """Fetch a blob, unless somebody has meanwhile, and open it."""
        target = self._path(sha256)
        with self._being_fetched(sha256) as (file, path):
            found = self.open(sha256)
            if found is not None:
                return found
            file.truncate()
            fetch(file)
            file.flush()
            if file.tell() > self.max_bytes:  # it is read this once
                file.seek(0)
                return os.fdopen(os.dup(file.fileno()), "rb")
            self._make_room(file.tell())
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.rename(target)
            return target.open("rb")

    @contextmanager
    def _being_fetched(self, sha256: str) -> Iterator[tuple[BinaryIO, Path]]:
        """Give the one file that this blob is written to, with nobody else writing; without its name it is gone."""
        path = self.folder / "new" / sha256
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not _is_at(file, path):
                    continue  # whoever had the lock has given it its name, or thrown it away
                try:
                    yield file, path
                finally:
                    if _is_at(file, path):
                        path.unlink()
                return

    def _make_room(self, more: int) -> None:
        with os.fdopen(os.open(self.folder / "bytes", os.O_RDWR | os.O_CREAT, 0o600), "r+") as counted:
            fcntl.flock(counted, fcntl.LOCK_EX)
            text = counted.read()
            # Without a count (a host that lost power) it is counted.
            together = int(text) + more if text.isdigit() else self.max_bytes + 1
            if together > self.max_bytes:
                together = self._evict(max(0, int(self.max_bytes * KEPT_SHARE) - more)) + more
            counted.seek(0)
            counted.truncate()
            counted.write(str(together))

    def _evict(self, most: int) -> int:
        """Throw away what was unused for longest until `most` bytes are left, and what killed processes left."""
        for path in (self.folder / "new").iterdir():
            _discard_if_left(path)
        found = sorted(_uses(self.folder), reverse=True)
        kept = 0
        for _, size, path in found:
            if kept + size <= most:
                kept += size
            else:
                path.unlink(missing_ok=True)
        return kept


def _uses(folder: Path) -> Iterator[tuple[int, int, Path]]:
    for path in folder.glob("??/??/*"):
        with suppress(FileNotFoundError):  # somebody removed it meanwhile
            known = path.stat()
            yield known.st_mtime_ns, known.st_size, path


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _discard_if_left(path: Path) -> None:
    with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(file, path):
            path.unlink()
