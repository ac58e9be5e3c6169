"""The process that sweeps keeps partitions."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from domain import partitions
from domain.db import Database
from domain.errors import Unavailable
from domain.settings import Settings
from workers.keeping import keep


def test_it_makes_partitions_ahead(db: Database, database_url: str, tmp_path: Path) -> None:
    keep(db, Settings(database_url, "", "", blob_dir=tmp_path))

    *_, last, _ = partitions.known(db)
    assert last.until is not None
    assert last.until >= datetime.now(UTC) + timedelta(days=30 * partitions.AHEAD)


def test_it_leaves_it_to_who_is_at_it(db: Database, database_url: str, tmp_path: Path) -> None:
    with partitions.alone(db), capture_logs() as logs:
        keep(db, Settings(database_url, "", "", blob_dir=tmp_path))

    assert [line["event"] for line in logs] == ["partitions_not_kept"]


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    away = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"

    with closing(Database(away)) as db, pytest.raises(Unavailable):
        keep(db, Settings(away, "", "", blob_dir=tmp_path))
