"""Carry artifacts out of a box into the blob store."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from domain.blobs import BlobStore
from domain.model import Artifact
from sandbox import BoxFiles, Collected

MAX_FILES = 100
MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Kept:
    """The artifacts of one run; `cut` where there may be more than these."""

    artifacts: tuple[Artifact, ...] = ()
    cut: bool = False


def collect(box: BoxFiles, patterns: Sequence[str], blobs: BlobStore) -> Kept:
    """Keep the files that `outputs` asks for, within the caps. Raises OSError where the blob store is full."""
    if not patterns:
        return Kept()
    found = box.collect(patterns, max_files=MAX_FILES, max_file_bytes=MAX_FILE_BYTES, max_bytes=MAX_BYTES)
    return Kept(tuple(_artifact(file, blobs) for file in found.files), found.cut)


def _artifact(file: Collected, blobs: BlobStore) -> Artifact:
    digest = blobs.put(file.content)
    assert digest == sha256(file.content).hexdigest()  # noqa: S101 - the store's name is the content's hash
    return Artifact(file.path, len(file.content), digest, file.truncated)
