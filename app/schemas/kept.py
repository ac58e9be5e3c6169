"""What `shipd data` prints for programs of partitions and archives."""

from dataclasses import asdict
from datetime import datetime

from domain.archives import Archive
from domain.ids import time_of
from domain.partitions import Partition

Json = dict[str, object]


def partition_json(one: Partition, *, overdue: bool) -> Json:
    """Give a partition in use."""
    return {
        "name": one.name,
        "since": _plain(one.since),
        "until": _plain(one.until),
        "executions": one.executions,
        "size_bytes": one.size_bytes,
        "overdue": overdue,
    }


def archive_json(one: Archive) -> Json:
    """Give an archive, with what is in it."""
    return {
        "name": one.name,
        "state": one.state,
        "since": _plain(None if one.since is None else time_of(one.since)),
        "until": _plain(time_of(one.until)),
        "executions": one.tables["executions"].rows,
        "submissions": one.tables["submissions"].rows,
        "size_bytes": sum(written.size_bytes for written in one.tables.values()),
        "archived_at": _plain(one.archived_at),
        "dropped_at": _plain(one.dropped_at),
        "manifest": one.blob,
        "tables": {name: asdict(written) for name, written in one.tables.items()},
    }


def _plain(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
