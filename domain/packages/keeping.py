"""Long values of a package, kept by stream: a test case of a gigabyte is never in memory."""

import io
from typing import BinaryIO

from domain.blobs import BlobStore
from domain.packages.tree import Entry
from domain.payload import INLINE_BYTES, Payload
from domain.problem import Document


def payload(entry: Entry, blobs: BlobStore) -> Payload:
    """Keep a file's bytes, long ones in the blob store. Raises OSError where the disk is full."""
    if entry.payload is not None:
        return entry.payload
    with entry.open() as file:
        if entry.size_bytes <= INLINE_BYTES:
            return Payload.keep(file.read(entry.size_bytes), blobs)
        sha256, _ = blobs.put_stream(file, entry.size_bytes)
    return Payload(sha256=bytes.fromhex(sha256))


def document(entry: Entry, path: str, blobs: BlobStore) -> Document:
    """Keep a file as a part of a problem, under a path of its own there."""
    return Document(path, payload(entry, blobs), entry.size_bytes, entry.mode)


def entry(path: str, kept: Payload, size_bytes: int, blobs: BlobStore, mode: int = 0o644) -> Entry:
    """Give what is kept as a file of a package."""
    return Entry(path, size_bytes, lambda: opened(kept, blobs), mode, kept)


def opened(kept: Payload, blobs: BlobStore) -> BinaryIO:
    """Open what is kept for reading. Raises BlobMissing."""
    if kept.sha256 is None:
        return io.BytesIO(kept.inline or b"")
    return blobs.open(kept.sha256.hex())


def size(kept: Payload, blobs: BlobStore) -> int:
    """Give the length of what is kept. Raises BlobMissing."""
    return len(kept.inline or b"") if kept.sha256 is None else blobs.size(kept.sha256.hex())
