"""Secrets that are needed again, sealed for where they are kept: AES-256-GCM, the key in PostgreSQL's `secrets`.

Who can read all of the database can open them; who sees a row, a copy of a table or a statement's log cannot. A seal
names what it is of (`purpose` and the row's id), so that one that is put into another row does not open there.
"""

import os
from functools import cached_property
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.db import Database
from domain.errors import Unavailable

NONCE_BYTES = 12


class Vault:
    """Closes and opens; the key is read once, when it is first needed. Safe to share between threads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def close(self, secret: str, purpose: str, row: UUID) -> bytes:
        """Seal a text. Raises Unavailable."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), _about(purpose, row))

    def open(self, sealed: bytes, purpose: str, row: UUID) -> str:
        """Open a seal. Raises Unavailable where it was made with another key or for another row."""
        try:
            opened = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _about(purpose, row))
        except (InvalidTag, ValueError) as error:
            raise Unavailable(
                f"the secret of {purpose} {row} does not open: was the key of `secrets` changed?"
            ) from error
        return opened.decode()

    @cached_property
    def _cipher(self) -> AESGCM:
        with self._db.statement() as tx:
            row = tx.execute("SELECT value FROM secrets WHERE name = 'webhooks'").fetchone()
        if row is None:
            raise Unavailable("the secret 'webhooks' is gone; run the migrations, or put its copy back into its table")
        return AESGCM(bytes(row[0]))


def _about(purpose: str, row: UUID) -> bytes:
    return purpose.encode() + row.bytes
