"""Partitions looked after, in a thread of the process that sweeps: an archive may take longer than a sweep may."""

import threading

from domain import blob_stores, partitions, retention
from domain.blobs import BlobDamaged, BlobMissing
from domain.db import Database
from domain.errors import Conflict, Unavailable
from domain.logging import logger
from domain.settings import Settings

log = logger(__name__)


class Keeping:
    """Makes partitions ahead, and archives and drops what is older than SHIPD_KEEP_DAYS."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Do so in a thread, unless one is at it."""
        if self._thread is None or not self._thread.is_alive():
            # What it does may be cut off anywhere: the next one goes on.
            self._thread = threading.Thread(target=self.run, name="keeping", daemon=True)
            self._thread.start()

    def run(self) -> None:
        """Do so once. Never raises: what cannot be done now is tried again."""
        try:
            with partitions.alone(self._db):
                partitions.keep_ahead(self._db, self._settings.partition_days)
                blobs = blob_stores.of(self._settings)
                retention.apply(self._db, blobs, self._settings.keep_days)
        except (Conflict, Unavailable, OSError, BlobMissing, BlobDamaged) as error:
            log.warning("partitions_not_kept", error=str(error))
