"""Which blob store it is: the only place that opens one, from the settings."""

import math
import secrets
import time
from dataclasses import replace

from domain.blob_cache import BlobCache
from domain.blob_folder import FolderBlobs
from domain.blob_s3 import PATIENT, Patience, S3Blobs
from domain.blobs import BlobDamaged, BlobMissing, BlobStore
from domain.compiled import FOLDER
from domain.errors import Unavailable
from domain.settings import Settings

MIB = 1024 * 1024
QUICK = Patience(connect_s=1.0, silent_s=2.0, whole_s=2.0, tries=1)
"""For whoever only asks whether a store is there."""
TRIED_S = 5.0
"""How old it may be that a store was found to be there."""


def of(settings: Settings, patience: Patience = PATIENT) -> BlobStore:
    """Open the store of a deployment; nothing is connected before it is used."""
    if settings.blob_url is None:
        return FolderBlobs(settings.blob_dir)
    return S3Blobs(settings.blob_url, _cache(settings), patience)


def of_compiled(settings: Settings) -> BlobStore:
    """Open the part of it where compiled programs are, by themselves: each is removed with its row."""
    where = settings.blob_url
    if where is None:
        return FolderBlobs(settings.blob_dir / FOLDER)
    return S3Blobs(replace(where, prefix=f"{where.prefix}/{FOLDER}".strip("/")), _cache(settings))


def _cache(settings: Settings) -> BlobCache | None:
    folder, room = settings.state_dir / "blob-cache", settings.blob_cache_mb * MIB
    return BlobCache(folder, room) if room else None


class Trials:
    """Tries a store for many who ask, at most once in a while; safe to share between threads."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._tried: tuple[float, str | None] = (-math.inf, None)

    def fault(self) -> str | None:
        """Say what went wrong when it was last tried."""
        tried_at, found = self._tried
        if time.monotonic() - tried_at > TRIED_S:
            found = fault(self._blobs)
            self._tried = (time.monotonic(), found)
        return found


def fault(blobs: BlobStore) -> str | None:
    """Put something, read it and remove it, and say what went wrong; None where all of it went well."""
    data = b"shipd: is this store there? " + secrets.token_hex(16).encode()
    try:
        sha256 = blobs.put(data)
        if blobs.get(sha256) != data:
            return "it gave other bytes than it was given"
        blobs.remove(sha256)
    except (Unavailable, OSError, BlobMissing, BlobDamaged) as error:
        return str(error)
    return None
