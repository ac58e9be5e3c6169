"""Executions, test results, artifacts and telemetry in partitions by the time in their keys.

What is there becomes the first partition of each table, as it is: nothing is copied, and no index is made anew. What
takes time is done under locks, once: the bounds of what is there are looked at, constraints that were never validated
are, and `execution_numbers` is filled. docs/operations.md says how long that takes, and what can be done before.

Valid with the previous release, but for one command: its `shipd executions requeue` names a constraint that a
partitioned table cannot have, and is refused. Why it is made like this: docs/decisions/0035.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from alembic import op
from sqlalchemy import Connection

revision = "0029"
down_revision = "0024"

TABLES = {"executions": "id", "test_results": "execution_id", "artifacts": "execution_id", "telemetry": "execution_id"}
"""Each with the column by which it is cut; whatever refers to another one of them comes after it."""
FIRST, DEFAULT = "_first", "_default"
PERIOD = timedelta(days=30)
AHEAD = 2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Names every execution by its submission, for a partitioned table can have no key without the column by which it is
# cut. It keeps numbers unique, and is the way from a submission to its executions that looks into no other partition.
NUMBERS = (
    "CREATE TABLE execution_numbers AS SELECT submission_id, number, id AS execution_id FROM executions",
    """
    ALTER TABLE execution_numbers ALTER COLUMN execution_id SET NOT NULL,
        ADD PRIMARY KEY (submission_id, number) INCLUDE (execution_id)
    """,
    """
    CREATE FUNCTION number_execution() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO execution_numbers (submission_id, number, execution_id)
        VALUES (NEW.submission_id, NEW.number, NEW.id);
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER number_execution BEFORE INSERT ON executions FOR EACH ROW EXECUTE FUNCTION number_execution()
    """,
    # Asked once when a statement begins: partitions are then left out before anything is made ready for them.
    """
    CREATE FUNCTION current_execution(submission uuid) RETURNS uuid STABLE LANGUAGE plpgsql AS $$
    BEGIN
        RETURN (
            SELECT n.execution_id FROM execution_numbers AS n JOIN executions AS e ON e.id = n.execution_id
            WHERE n.submission_id = submission AND NOT e.candidate ORDER BY n.number DESC LIMIT 1
        );
    END $$
    """,
)

# What PostgreSQL does for references to a partitioned table, it does by looking into every partition when one is taken
# out. `moved` is set by whoever moves rows from one partition to another.
FORGET = """
CREATE FUNCTION forget_execution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('shipd.moved', true), '') = '' THEN
        DELETE FROM execution_numbers WHERE submission_id = OLD.submission_id AND number = OLD.number;
        {also}
    END IF;
    RETURN NULL;
END $$
"""
ON_DELETE = """
CREATE TRIGGER forget_execution AFTER DELETE ON executions FOR EACH ROW EXECUTE FUNCTION forget_execution()
"""

# References among the four are from partition to partition: they cost what they cost before, and partitions of one time
# are taken out together. What stands in the default partitions and belongs here is moved.
MAKE_PARTITION = """
CREATE FUNCTION make_partition(suffix text, since uuid, until uuid) RETURNS void VOLATILE LANGUAGE plpgsql AS $$
DECLARE
    lowest uuid := '00000000-0000-0000-0000-000000000000';
    tables text[] := ARRAY['executions', 'test_results', 'artifacts', 'telemetry'];
    key text;
    own text;
    reference record;
BEGIN
    -- In the order of whoever adds a submission: they wait for us, and not each for the other.
    LOCK TABLE submissions, problem_versions, regrades IN SHARE ROW EXCLUSIVE MODE;
    LOCK TABLE executions_default, test_results_default, artifacts_default, telemetry_default;
    PERFORM set_config('shipd.moved', 'yes', true);
    FOREACH own IN ARRAY tables LOOP
        key := CASE own WHEN 'executions' THEN 'id' ELSE 'execution_id' END;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', own || suffix, own || '_default');
        EXECUTE format('INSERT INTO %I SELECT * FROM %I WHERE %I >= %L AND %I < %L',
            own || suffix, own || '_default', key, coalesce(since, lowest), key, until);
        FOR reference IN
            SELECT conname, pg_get_constraintdef(oid) AS said FROM pg_constraint
            WHERE conrelid = (own || '_default')::regclass AND contype = 'f' AND conparentid = 0
        LOOP
            EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I %s',
                own || suffix, reference.conname, replace(reference.said, '_default', suffix));
        END LOOP;
    END LOOP;
    DELETE FROM executions_default WHERE id >= coalesce(since, lowest) AND id < until;
    FOREACH own IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%L)',
            own, own || suffix, coalesce(quote_literal(since), 'MINVALUE'), until);
    END LOOP;
    PERFORM set_config('shipd.moved', '', true);
END $$
"""

# What was taken out of the tables and is kept in the blob store, and where; `domain/archives.py` says what is in it.
ARCHIVES = """
CREATE TABLE archives (
    name        text PRIMARY KEY,
    since       uuid,
    until       uuid NOT NULL,
    state       text NOT NULL CHECK (state IN ('archived', 'detached', 'dropped', 'restored')),
    blob        bytea NOT NULL CHECK (octet_length(blob) = 32),
    manifest    jsonb NOT NULL CHECK (jsonb_typeof(manifest) = 'object'),
    archived_at timestamptz NOT NULL DEFAULT now(),
    dropped_at  timestamptz
)
"""

_INDEXES = """
    SELECT c.relname, pg_get_indexdef(i.indexrelid), k.conname, pg_get_constraintdef(k.oid),
        NOT i.indisunique OR a.attnum = ANY (i.indkey::smallint[]) AS of_all
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attname = '{key}'
    WHERE i.indrelid = '{table}'::regclass
"""
_TRIGGERS = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = '{}'::regclass AND NOT tgisinternal"
_REFERENCES = """
    SELECT conname, pg_get_constraintdef(oid), confrelid::regclass::text FROM pg_constraint
    WHERE conrelid = '{}'::regclass AND contype = 'f'
"""
_REFERRING = """
    SELECT k.conrelid::regclass::text, k.conname, a.attname, k.confdeltype
    FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    WHERE k.contype = 'f' AND k.confrelid = 'executions'::regclass
"""
_NOT_VALID = "SELECT conname FROM pg_constraint WHERE conrelid = '{}'::regclass AND NOT convalidated"
_BEFORE = """
    SELECT substring(pg_get_constraintdef(oid) FROM '''([0-9a-f-]{{36}})''') FROM pg_constraint
    WHERE conrelid = '{0}'::regclass AND conname = '{0}_before' AND convalidated
"""


def upgrade() -> None:
    """Cut four tables into partitions, and add a table, functions and triggers."""
    connection = op.get_bind()
    _run(connection, "SET LOCAL statement_timeout = '30min'")
    for table in TABLES:
        for (name,) in connection.exec_driver_sql(_NOT_VALID.format(table)).fetchall():
            _run(connection, f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    _run(connection, f"LOCK TABLE {', '.join(TABLES)}")
    until = _until(connection)
    also = _free(connection)
    for table in TABLES:
        _cut(connection, table, until)
    _run(connection, *NUMBERS, FORGET.format(also=also), ON_DELETE, MAKE_PARTITION, ARCHIVES)
    for number in range(AHEAD):
        since = until + number * PERIOD
        _run(
            connection,
            f"SELECT make_partition('{since:_p%Y%m%d}', '{_id_at(since)}', '{_id_at(since + PERIOD)}')",
        )
    _run(connection, "SET LOCAL statement_timeout = '5s'")


def _run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement.replace("%", "%%"))  # none of them has values


def _id_at(moment: datetime) -> UUID:
    """Give the first key of a moment: one of version 7 begins with the milliseconds since 1970."""
    return UUID(int=int((moment - EPOCH).total_seconds() * 1000) << 80)


def _until(connection: Connection) -> datetime:
    """Say where the first partition ends: at the next period that begins behind all keys there are.

    It was said before where tables have a constraint for it.
    """
    said = [connection.exec_driver_sql(_BEFORE.format(table)).scalar() for table in TABLES]
    last = connection.exec_driver_sql("SELECT id FROM executions ORDER BY id DESC LIMIT 1").scalar()
    behind = max(datetime.now(UTC), _time_of(last) if last else EPOCH)
    if all(said) and len(set(said)) == 1 and _time_of(UUID(said[0])) > behind:
        return _time_of(UUID(said[0]))
    return EPOCH + ((behind - EPOCH) // PERIOD + 1) * PERIOD


def _time_of(key: UUID) -> datetime:
    return EPOCH + timedelta(milliseconds=key.int >> 80)


def _free(connection: Connection) -> str:
    """Drop what other tables refer to executions by, and give what a trigger does in its place."""
    also = []
    for table, name, column, on_delete in connection.exec_driver_sql(_REFERRING).fetchall():
        if table in TABLES:
            continue
        _run(connection, f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        if on_delete == "c" and table != "regrade_items":  # those go with their submission
            also.append(f"DELETE FROM {table} WHERE {column} = OLD.id;")  # noqa: S608 - names of the catalogue
    return " ".join(also)


def _cut(connection: Connection, table: str, until: datetime) -> None:
    """Make what is there the first partition of a new table of its name, with all that it had."""
    key, first, default = TABLES[table], table + FIRST, table + DEFAULT
    indexes = connection.exec_driver_sql(_INDEXES.format(table=table, key=key)).fetchall()
    triggers = connection.exec_driver_sql(_TRIGGERS.format(table)).fetchall()
    references = connection.exec_driver_sql(_REFERENCES.format(table)).fetchall()
    _run(connection, *(f"DROP TRIGGER {name} ON {table}" for name, _ in triggers))
    _run(connection, f"ALTER TABLE {table} RENAME TO {first}")
    _run(connection, *(f"ALTER INDEX {row[0]} RENAME TO {row[0].replace(table, first, 1)}" for row in indexes))
    before = f"DROP CONSTRAINT IF EXISTS {table}_before"
    _run(
        connection,
        f"CREATE TABLE {table} (LIKE {first} INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE ({key})",
        f"ALTER TABLE {table} {before}",
        f"CREATE TABLE {default} (LIKE {first} INCLUDING ALL)",
        f"ALTER TABLE {default} {before}",
        *_indexes(table, indexes),
        *_referring(table, references),
        # The bound is looked at here, unless the constraint says it.
        f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ('{_id_at(until)}')",
        f"ALTER TABLE {first} {before}",
        f"ALTER TABLE {table} ATTACH PARTITION {default} DEFAULT",
        *(definition for _, definition in triggers),
    )


def _indexes(table: str, indexes: Iterable[tuple[str, str, str | None, str, bool]]) -> Iterable[str]:
    """Give what makes the indexes of all partitions; those of the first are taken as they are."""
    for _, definition, constraint, said, of_all in indexes:
        if of_all and constraint:
            yield f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {said}"
        elif of_all:
            yield definition


def _referring(table: str, references: Iterable[tuple[str, str, str]]) -> Iterable[str]:
    """Give what makes the references: among the four from partition to partition, which the first has already."""
    for name, said, other in references:
        if other.removesuffix(FIRST) in TABLES:
            yield f"ALTER TABLE {table}{DEFAULT} ADD CONSTRAINT {name} {_to_default(said)}"
        else:
            yield f"ALTER TABLE {table} ADD CONSTRAINT {name} {said}"


def _to_default(said: str) -> str:
    for table in TABLES:
        said = said.replace(f"REFERENCES {table}{FIRST}", f"REFERENCES {table}{DEFAULT}")
    return said
