"""`shipd data`: the partitions that executions lie in, and the archives of those that were dropped."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from app.cli_operator import confirm, yes
from app.cli_parts import as_json, database, print_json, print_table, read_settings, told
from app.schemas.kept import archive_json, partition_json
from domain import archives, blob_stores, partitions, restoring, retention
from domain.archives import Archive
from domain.blobs import BlobStore
from domain.db import Database

LISTED = ("name", "since", "until", "executions", "size_bytes", "overdue")
ARCHIVED = ("name", "state", "since", "until", "executions", "submissions", "size_bytes", "archived_at", "manifest")

named = click.argument("partition")
dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done; nothing is.")


@click.group()
def data() -> None:
    """See how executions are kept, archive and drop what is old, and have it back.

    Executions, their results, artifacts and telemetry lie in partitions, one for each stretch of time
    (SHIPD_PARTITION_DAYS). The process that sweeps makes them ahead; with SHIPD_KEEP_DAYS it archives and drops what is
    wholly older. These commands do the same by hand.
    """


@data.command("partitions")
@as_json
@told
def list_partitions(*, as_json: bool) -> None:
    """List the partitions in use and the archives, the oldest first.

    How many executions are in one is PostgreSQL's estimate. What is `overdue` is older than SHIPD_KEEP_DAYS; what
    stands in `default` had no partition, and is moved when one is made. Exits with 0.
    """
    settings = read_settings()
    with database() as db:
        overdue = {one.name for one in retention.overdue(db, settings.keep_days)}
        used = [partition_json(one, overdue=one.name in overdue) for one in partitions.known(db)]
        kept = [archive_json(one) for one in archives.every(db)]
    if as_json:
        print_json({"partitions": used, "archives": kept})
        return
    print_table("Partitions", LISTED, [[one[column] for column in LISTED] for one in used])
    if kept:
        print_table("Archives", ARCHIVED, [[one[column] for column in ARCHIVED] for one in kept])


@data.command("archive")
@named
@dry_run
@as_json
@told
def archive_partition(partition: str, *, dry_run: bool, as_json: bool) -> None:
    """Write PARTITION into the blob store and read it all back; it stays in use.

    Written are the executions with all that belongs to them, and the submissions whose current execution is among them.

    Example: shipd data archive p20261203
    """
    with _parts() as (db, blobs):
        if dry_run:
            _tell(retention.find(db, partition).name, "would be archived", as_json=as_json)
            return
        _print(retention.archive(db, blobs, partition), as_json=as_json)


@data.command("drop")
@named
@dry_run
@yes
@as_json
@told
def drop_partition(partition: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Drop PARTITION, which must be archived, and the submissions whose current execution is in it.

    Their ids are answered 404 from then on. What has a later execution elsewhere stays, with that one. `shipd data
    restore` brings all of it back.

    Example: shipd data drop p20261203 --yes
    """
    with _parts() as (db, blobs):
        with db.statement() as tx:
            found = archives.find(tx, partition)
        rows = found.tables["submissions"].rows
        if dry_run:
            _tell(found.name, f"would be dropped, and {rows} submissions", as_json=as_json)
            return
        confirm(f"Drop partition {partition} and {rows} submissions?", yes=yes)
        _print(retention.drop(db, blobs, partition), as_json=as_json)


@data.command("restore")
@named
@as_json
@told
def restore_partition(partition: str, *, as_json: bool) -> None:
    """Bring PARTITION back from its archive; it is kept then, however old, until it is dropped by hand.

    What referred to its submissions is not brought back: idempotency keys, items of batches and regrades, deliveries.

    Example: shipd data restore p20261203
    """
    with _parts() as (db, blobs):
        _print(restoring.restore(db, blobs, partition), as_json=as_json)


@contextmanager
def _parts() -> Iterator[tuple[Database, BlobStore]]:
    settings = read_settings()
    with closing(Database(settings.database_url, min_size=0)) as db, partitions.alone(db):
        yield db, blob_stores.of(settings)


def _print(found: Archive, *, as_json: bool) -> None:
    shown = archive_json(found)
    if as_json:
        print_json(shown)
        return
    print_table("Archive", ("", ""), [(name, shown[name]) for name in ARCHIVED])
    tables = [(name, written.rows, written.size_bytes, written.blob) for name, written in found.tables.items()]
    print_table("Tables", ("table", "rows", "size_bytes", "blob"), tables)


def _tell(name: str, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"partition": name, "dry_run": True})
    else:
        click.echo(f"{name} {what}.")
