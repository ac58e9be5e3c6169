"""What is too old goes: archived, taken out of the tables, compared with its archive once more, and dropped.

    archived    in the blob store and read back; in use as before
    detached    out of use: its submissions are not found any more. Nobody can change it now, so that what was archived
                is what is dropped; where it is not (it was changed meanwhile), it is archived again
    dropped     its tables are gone, and the submissions whose current execution was in it

Each step is a transaction of its own and can be done again: whatever is killed, the next call goes on. What was
restored is left alone until somebody says so.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from domain import archives, audit, partitions
from domain.archives import Archive
from domain.blobs import BlobStore
from domain.db import Connection, Database
from domain.errors import Conflict, NotFound
from domain.ids import new_id, time_of
from domain.logging import logger
from domain.partitions import TABLES, Partition

ACTOR = "shipd data"
ARCHIVED, DROPPED, RESTORED = "partition_archived", "partition_dropped", "partition_restored"
AT_ONCE = 1000
"""How many submissions are deleted in one transaction: others wait for none of them long."""

_BRIEF = f"SET LOCAL lock_timeout = '{partitions.LOCK_S}s'".encode()
_OUTSIDE = b"""
    SELECT conname FROM pg_constraint
    WHERE conrelid = to_regclass($1) AND contype = 'f' AND confrelid <> ALL ($2::regclass[])
"""
_STATE = b"UPDATE archives SET state = $2, dropped_at = CASE WHEN $2 = 'dropped' THEN now() END WHERE name = $1"
# A piece at a time, by the keys of the executions: each goes over what is left of the whole but once.
_FORGET = """
    WITH piece AS (
        SELECT id, submission_id, number FROM {executions} WHERE id > {after} ORDER BY id LIMIT {at_once}
    ), going AS ({going}), gone AS (
        DELETE FROM submissions WHERE id IN (SELECT id FROM going)
    ), numbers AS (
        DELETE FROM execution_numbers AS n USING piece
        WHERE n.submission_id = piece.submission_id
            AND (n.number = piece.number OR n.submission_id IN (SELECT id FROM going))
    )
    SELECT id FROM piece ORDER BY id DESC LIMIT 1
"""
# What was deleted has an entry that says no more than that, from nobody's tables.
_NOT_ENTERED = "SELECT count(*) FROM audit_ended AS a JOIN {} AS e ON e.id = a.execution_id"
_LOWEST = UUID(int=0)

log = logger(__name__)


def find(db: Database, name: str) -> Partition:
    """Find a partition that is in use. Raises NotFound, Unavailable."""
    for one in partitions.known(db):
        if one.name == name:
            return one
    raise NotFound(f"there is no partition {name}; `shipd data partitions` lists those there are")


def overdue(db: Database, days: int, *, now: datetime | None = None) -> Sequence[Partition]:
    """List what is wholly older than so many days (0: nothing ever is) and was not restored. Raises Unavailable."""
    if days == 0:
        return []
    restored = {one.name for one in archives.every(db) if one.state == "restored"}
    limit = (now or datetime.now(UTC)) - timedelta(days=days)
    return [
        one for one in partitions.known(db) if one.until is not None and one.until <= limit and one.name not in restored
    ]


def apply(db: Database, blobs: BlobStore, days: int, *, now: datetime | None = None) -> Sequence[str]:
    """Archive and drop what is older than so many days, and go on with what was begun; names what was dropped.

    What is not over in a partition keeps it: it is logged, and tried again. Raises what `archive` and `drop` raise.
    """
    gone = []
    begun = [one.name for one in archives.every(db) if one.state == "detached"]
    for name in begun:
        _drop_detached(db, blobs, name)
        gone.append(name)
    for one in overdue(db, days, now=now):
        try:
            with db.statement() as tx:
                _refuse_not_entered(tx, one)  # before hours of writing what would not be dropped then
            archive(db, blobs, one.name)
            drop(db, blobs, one.name)
        except Conflict as error:
            log.warning("partition_kept", name=one.name, error=str(error))
            continue
        log.info("partition_dropped", name=one.name)
        gone.append(one.name)
    return gone


def archive(db: Database, blobs: BlobStore, name: str) -> Archive:
    """Archive a partition that stays in use. Raises NotFound, and what `archives.archive` raises."""
    made = archives.archive(db, blobs, find(db, name))
    note(db, ARCHIVED, made)
    return made


def drop(db: Database, blobs: BlobStore, name: str) -> Archive:
    """Drop a partition that is archived, with the submissions that end with it.

    Raises NotFound where it is not archived, Conflict where something in it is not over or not in the audit log,
    OSError, BlobDamaged, Unavailable.
    """
    with db.statement() as tx:
        found = archives.find(tx, name)
    if found.state == "dropped":
        raise Conflict(f"partition {name} is dropped already; `shipd data restore {name}` brings it back")
    if found.state != "detached":
        _detach(db, find(db, name))
    return _drop_detached(db, blobs, name)


def _detach(db: Database, partition: Partition) -> None:
    with db.transaction() as tx:
        tx.execute(_BRIEF)
        archives.find(tx, partition.name, "FOR UPDATE")
        tx.execute(f"LOCK TABLE {', '.join(TABLES)}".encode())
        archives.refuse_in_use(tx, partition)
        _refuse_not_entered(tx, partition)
        for table in reversed(TABLES):
            own = f"{table}{partition.suffix}"
            tx.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(sql.Identifier(table), sql.Identifier(own)))
        _free(tx, partition)
        tx.run(_STATE, [partition.name, "detached"])


def _refuse_not_entered(tx: Connection, partition: Partition) -> None:
    """Raise Conflict where an end in a partition is no entry of the audit log yet: it is made of the rows."""
    row = tx.execute(sql.SQL(_NOT_ENTERED).format(sql.Identifier(f"executions{partition.suffix}"))).fetchone()
    if row is not None and row[0]:
        hint = "`python -m workers beat` enters them within seconds, or logs ended_not_taken"
        raise Conflict(f"partition {partition.name} holds {row[0]} ends that are not in the audit log yet: {hint}")


def _free(tx: Connection, partition: Partition) -> None:
    """Have nothing that is deleted elsewhere change a detached partition."""
    own = [f"{table}{partition.suffix}" for table in TABLES]
    for table in own:
        for (name,) in tx.run(_OUTSIDE, [table, own]).fetchall():
            tx.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name)))


def _drop_detached(db: Database, blobs: BlobStore, name: str) -> Archive:
    with db.statement() as tx:
        found = archives.find(tx, name)
    partition = Partition(name, time_of(found.since) if found.since else None, time_of(found.until), 0, 0)
    with db.read() as tx:
        tx.execute(archives.PATIENT)
        same = archives.is_as_archived(tx, partition, found)
    if not same:
        archives.archive(db, blobs, partition, found)
    _forget(db, partition)
    with db.transaction() as tx:
        for table in reversed(TABLES):
            tx.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(f"{table}{partition.suffix}")))
        tx.run(_STATE, [name, "dropped"])
        found = archives.find(tx, name)
    note(db, DROPPED, found)
    return found


def _forget(db: Database, partition: Partition) -> None:
    """Delete the submissions that end with a detached partition, and the numbers of its executions."""
    going = archives.going(partition, "piece")
    executions = sql.Identifier(f"executions{partition.suffix}")
    after: UUID | None = _LOWEST
    while after is not None:
        command = sql.SQL(_FORGET).format(
            executions=executions, after=sql.Literal(after), at_once=sql.Literal(AT_ONCE), going=going
        )
        with db.transaction() as tx:
            tx.execute(archives.PATIENT)
            row = tx.execute(command).fetchone()
        after = None if row is None else row[0]


def note(db: Database, event: str, found: Archive) -> None:
    """Write into the audit log what was done with a partition."""
    rows = {table: written.rows for table, written in found.tables.items()}
    details = {"partition": found.name, "manifest": found.blob, "rows": rows}
    with db.transaction() as tx:
        audit.note(tx, [(new_id(), event, ACTOR, None, None, Jsonb(details))])
