"""Owners: whose submissions and keys are whose. Whoever holds keys is one, and everybody whom an issuer knows."""

from uuid import UUID

from domain.db import Database
from domain.ids import new_id

# Of two who come first at once, one makes the row and both have it.
_MAKE = """
INSERT INTO owners (id, issuer, subject) VALUES (%s, %s, %s)
ON CONFLICT (issuer, subject) DO UPDATE SET subject = excluded.subject RETURNING id
"""


def of_subject(db: Database, issuer: str, subject: str) -> UUID:
    """Give the owner that an issuer calls `subject`, made at the first time. Raises Unavailable."""
    with db.statement() as tx:
        find = tx.execute("SELECT id FROM owners WHERE issuer = %s AND subject = %s", (issuer, subject))
        found: UUID
        (found,) = find.fetchone() or tx.execute(_MAKE, (new_id(), issuer, subject)).fetchone() or (None,)
    return found
