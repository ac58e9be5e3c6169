"""Partitions looked after by the process that sweeps: made ahead, and archived and dropped when they are too old."""

from domain import blob_stores, partitions, retention
from domain.blobs import BlobDamaged, BlobMissing
from domain.db import Database
from domain.errors import Conflict
from domain.logging import logger
from domain.settings import Settings

log = logger(__name__)


def keep(db: Database, settings: Settings) -> None:
    """Make partitions ahead, and archive and drop what is older than SHIPD_KEEP_DAYS.

    It may be cut off anywhere: the next one goes on. Raises Unavailable, OSError.
    """
    try:
        with partitions.alone(db):
            partitions.keep_ahead(db, settings.partition_days)
            retention.apply(db, blob_stores.of(settings), settings.keep_days)
    except (Conflict, BlobMissing, BlobDamaged) as error:
        log.warning("partitions_not_kept", error=str(error))
