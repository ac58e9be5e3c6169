"""The process that sweeps keeps partitions, and never fails by it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain import partitions
from domain.db import Database
from domain.settings import Settings
from workers.keeping import Keeping


def test_it_makes_partitions_ahead(db: Database, database_url: str, tmp_path: Path) -> None:
    Keeping(db, Settings(database_url, "", "", blob_dir=tmp_path)).run()

    *_, last, _ = partitions.known(db)
    assert last.until is not None
    assert last.until >= datetime.now(UTC) + timedelta(days=30 * partitions.AHEAD)


def test_it_leaves_it_to_who_is_at_it(
    db: Database, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with partitions.alone(db):
        Keeping(db, Settings(database_url, "", "", blob_dir=tmp_path)).run()

    assert "partitions_not_kept" in "".join(capsys.readouterr())


def test_it_waits_for_a_database_that_is_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    away = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"

    Keeping(Database(away), Settings(away, "", "", blob_dir=tmp_path)).run()

    assert "partitions_not_kept" in "".join(capsys.readouterr())
