"""Seals: who can write to Redis but not to PostgreSQL cannot forge what workers leave there for each other."""

import hashlib
import hmac
from functools import cached_property

from domain.db import Database
from domain.errors import Unavailable

SEAL_BYTES = 32


class Seals:
    """Seals with the secret that all workers read from PostgreSQL; safe to share between threads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def sealed(self, name: bytes, data: bytes) -> bytes:
        """Put a seal before data that is to stand under this name, and no other. Raises Unavailable."""
        return self._seal(name, data) + data

    def opened(self, name: bytes, entry: bytes) -> bytes | None:
        """Give the data of an entry that we sealed for this name; None for any other. Raises Unavailable."""
        data = entry[SEAL_BYTES:]
        return data if hmac.compare_digest(entry[:SEAL_BYTES], self._seal(name, data)) else None

    def _seal(self, name: bytes, data: bytes) -> bytes:
        return hmac.digest(self._secret, name + data, hashlib.sha256)

    @cached_property
    def _secret(self) -> bytes:
        with self._db.statement() as tx:
            row = tx.execute("SELECT value FROM secrets WHERE name = 'execution_cache'").fetchone()
        if row is None:
            raise Unavailable("the secret 'execution_cache' is gone; run the migrations, or put one into its table")
        return bytes(row[0])
