"""The outbox of training records: which executions ended with a verdict and were not exported yet.

What a run leaves to learn from are its rows (telemetry, test results, the submission), written in the transaction of
its end or before; a trigger notes the execution here in that same transaction (migration 0022). So an exporter need not
compare times, by which it would miss what was committed late: it takes what stands here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.db import Database

KEPT_DAYS = 30
"""What nobody exported for so long, counted from when it was queued, is not kept for that any more."""
BATCH = 10_000
"""How many are forgotten in one sweep."""

_TAKE = """
    DELETE FROM training_outbox WHERE execution_id IN (
        SELECT execution_id FROM training_outbox ORDER BY execution_id LIMIT %s FOR UPDATE SKIP LOCKED
    )
    RETURNING execution_id
"""
# Ids begin with the time at which they were made.
_FORGET = f"""
    DELETE FROM training_outbox WHERE execution_id IN (
        SELECT execution_id FROM training_outbox WHERE execution_id < %s
        ORDER BY execution_id LIMIT {BATCH} FOR UPDATE SKIP LOCKED
    )
"""


@contextmanager
def taking(db: Database, most: int) -> Iterator[list[UUID]]:
    """Take executions, oldest first, to export them in the block: where it raises they stay, for the next time.

    So each is exported once, or again where the process is killed before the commit; several may take at a time. Raises
    Unavailable.
    """
    with db.transaction() as tx:
        yield [row[0] for row in tx.execute(_TAKE, (most,))]


def forget(db: Database) -> None:
    """Forget what was kept too long. Raises Unavailable."""
    with db.statement() as tx:
        tx.execute(_FORGET.encode(), (_first_id(datetime.now(UTC) - timedelta(days=KEPT_DAYS)),))


def _first_id(at: datetime) -> UUID:
    return UUID(int=int(at.timestamp() * 1000) << 80)
