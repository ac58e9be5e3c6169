"""Blobs: immutable bytes named by the SHA-256 of what they are, in a store that API and workers share.

Two forms keep the same promises: a folder (`domain/blob_folder.py`), and a bucket of an S3-compatible store
(`domain/blob_s3.py`), which more than one host needs. `domain/blob_stores.py` opens the one that the settings say.

A blob that exists is complete: it never bears its name before it is whole. Putting the same bytes twice is harmless.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from domain.errors import Unavailable

CHUNK_BYTES = 1024 * 1024
_HEX = re.compile(r"[0-9a-f]{64}")


class BlobMissing(Exception):  # noqa: N818 - it says what is the case
    """No blob has this sha256."""


class BlobDamaged(Exception):  # noqa: N818
    """The bytes kept are not those that the name tells of: the disk, or someone, changed them."""


class BlobTooLarge(Exception):  # noqa: N818
    """A stream went on beyond its limit; nothing was kept."""


class BlobsAway(Unavailable):
    """The store does not answer, or refuses us; whether there is a blob is not known."""


class Readable(Protocol):
    """What a stream must be able to do."""

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes, none at the end."""


class BlobStore(Protocol):
    """Where blobs are. Ids are 64 lower-case hex digits and nothing else: ValueError for what is none.

    Every method raises BlobsAway where the store does not answer. Safe to share between threads and to carry over a
    fork, unless it was used before.
    """

    def put(self, data: bytes) -> str:
        """Keep bytes and give their sha256 in hex. Raises OSError where the disk is full."""

    def put_stream(self, readable: Readable, limit: int) -> tuple[str, int]:
        """Keep what a stream gives, `limit` bytes at most, and give sha256 and size. Raises BlobTooLarge, OSError."""

    def get(self, sha256: str) -> bytes:
        """Read a blob whole, its hash checked. Raises BlobMissing, BlobDamaged."""

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob to read some of it; its hash is not checked. Raises BlobMissing."""

    def remove(self, sha256: str) -> None:
        """Delete a blob, there or not."""

    def size(self, sha256: str) -> int:
        """Give a blob's size in bytes. Raises BlobMissing."""

    def ids(self) -> Iterator[tuple[str, int]]:
        """Give all blobs with their sizes, in no order."""

    def identity(self) -> str:
        """Say which store this is: the same on all hosts that share it. Raises OSError."""

    def place(self) -> str:
        """Say where it is, for an operator."""


def checked_id(sha256: str) -> str:
    """Give an id as it is. Raises ValueError for what is none."""
    if not _HEX.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is no blob id; one is 64 lower-case hex digits")
    return sha256


def is_id(name: str) -> bool:
    """Say whether a name could be a blob's."""
    return _HEX.fullmatch(name) is not None


def path_of(sha256: str) -> str:
    """Give where a blob lies in its store: `ab/cd/abcd...`. Raises ValueError."""
    return f"{checked_id(sha256)[:2]}/{sha256[2:4]}/{sha256}"


def missing(sha256: str, place: str) -> BlobMissing:
    """Say that a blob is not there."""
    return BlobMissing(f"there is no blob {sha256} in {place}")


def damaged(sha256: str) -> BlobDamaged:
    """Say that a blob is not what it was."""
    return BlobDamaged(f"blob {sha256} holds other bytes than its name tells; restore it from a backup")


def too_large(limit: int) -> BlobTooLarge:
    """Say that a stream goes on beyond its limit."""
    return BlobTooLarge(f"the stream is longer than {limit} bytes; raise the limit or send less")
