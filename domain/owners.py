"""Owners: whose submissions and keys are whose. Whoever holds keys is one, and everybody whom an issuer knows."""

from uuid import UUID

from psycopg.types.json import Jsonb

from domain import audit
from domain.db import Database
from domain.ids import new_id

MADE = "owner_created"
"""In the audit log: somebody came with a token for the first time."""
# Of two who come first at once, one makes the row (only that one has no `xmax`) and both have it.
_MAKE = """
INSERT INTO owners (id, issuer, subject) VALUES (%s, %s, %s)
ON CONFLICT (issuer, subject) DO UPDATE SET subject = excluded.subject RETURNING id, xmax = 0 AS made
"""


def of_subject(db: Database, issuer: str, subject: str) -> UUID:
    """Give the owner that an issuer calls `subject`, made at the first time. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.execute("SELECT id FROM owners WHERE issuer = %s AND subject = %s", (issuer, subject)).fetchone()
    found: UUID = row[0] if row is not None else _make(db, issuer, subject)
    return found


def _make(db: Database, issuer: str, subject: str) -> UUID:
    with db.transaction() as tx:
        found, made = tx.execute(_MAKE, (new_id(), issuer, subject)).fetchone() or (None, False)
        if made:
            # Who asks is known by nothing else yet.
            details = Jsonb({"owner_id": str(found), "issuer": issuer})
            audit.note(tx, [(new_id(), MADE, f"owner {found}", None, None, details)])
    owner: UUID = found
    return owner
