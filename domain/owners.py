"""Owners: whose submissions and keys are whose. Whoever holds keys is one, and everybody whom an issuer knows."""

from uuid import UUID

from domain import audit
from domain.db import Database
from domain.ids import new_id

MADE = "owner_created"
"""In the audit log: somebody came with a token for the first time."""
# Of two who come first at once, one makes the row and both have it.
_MAKE = """
INSERT INTO owners (id, issuer, subject) VALUES (%s, %s, %s)
ON CONFLICT (issuer, subject) DO UPDATE SET subject = excluded.subject RETURNING id
"""


def of_subject(db: Database, issuer: str, subject: str) -> UUID:
    """Give the owner that an issuer calls `subject`, made at the first time. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.execute("SELECT id FROM owners WHERE issuer = %s AND subject = %s", (issuer, subject)).fetchone()
    if row is None:
        with db.transaction() as tx:
            row = tx.execute(_MAKE, (new_id(), issuer, subject)).fetchone() or (None,)
            audit.done(tx, MADE, {"owner_id": str(row[0]), "issuer": issuer})
    found: UUID = row[0]
    return found
