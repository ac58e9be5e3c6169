"""A partition that was dropped is had again from its archive: its executions, and the submissions that went with it."""

from psycopg import sql

from domain import archives, partitions, retention
from domain.archives import PARTS, PATIENT, Archive, Written
from domain.blobs import BlobStore
from domain.db import Connection, Database
from domain.errors import Conflict
from domain.partitions import TABLES

_MAKE = b"SELECT make_partition($1, $2, $3)"
_RESTORED = b"UPDATE archives SET state = 'restored', dropped_at = NULL WHERE name = $1"
_BRIEF = f"SET LOCAL lock_timeout = '{partitions.LOCK_S}s'".encode()


def restore(db: Database, blobs: BlobStore, name: str) -> Archive:
    """Write an archive's rows again; retention leaves them alone from then on. To call it again is harmless.

    Raises NotFound where there is no archive, Conflict where its tables are in use, BlobMissing, BlobDamaged,
    Unavailable.
    """
    with db.statement() as tx:
        found = archives.find(tx, name)
    if found.state != "dropped":
        raise Conflict(f"partition {name} is not dropped, it is {found.state}: there is nothing to restore")
    # By itself, for its locks are others' too. It is empty until all is written.
    if name not in {one.name for one in partitions.known(db)}:
        with db.transaction() as tx:
            tx.execute(_BRIEF)
            tx.run(_MAKE, [f"_{name}", found.since, found.until])
    with db.transaction() as tx:
        tx.execute(PATIENT)
        for table in PARTS:
            _add(tx, blobs, table, found.tables[table])
        for table in TABLES:
            _copy(tx, blobs, f"{table}_{name}", found.tables[table])
        tx.run(_RESTORED, [name])
        found = archives.find(tx, name)
    retention.note(db, retention.RESTORED, found)
    return found


def _add(tx: Connection, blobs: BlobStore, table: str, written: Written) -> None:
    """Write what is not there: what has a later execution stayed, or came with an earlier partition."""
    kept, own = sql.Identifier(f"restored_{table}"), sql.Identifier(table)
    columns = _columns(written)
    tx.execute(sql.SQL("CREATE TEMP TABLE {} (LIKE {} INCLUDING DEFAULTS) ON COMMIT DROP").format(kept, own))
    _copy(tx, blobs, f"restored_{table}", written)
    tx.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING").format(own, columns, columns, kept)
    )


def _copy(tx: Connection, blobs: BlobStore, table: str, written: Written) -> None:
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _columns(written))
    with tx.cursor().copy(command) as copy:
        for piece in archives.rows(blobs, written):
            copy.write(piece)


def _columns(written: Written) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, written.columns))
