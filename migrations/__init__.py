"""Schema changes of PostgreSQL: raw SQL, forward only, each valid with the previous release (`versions/`).

`python -m migrations upgrade` or `migrations.upgrade(url)` brings a database to the newest version. Several starters
may do so at once: one works, the others wait and then find nothing to do. What a new version must keep to:

- it runs on PostgreSQL 15 to 18 without extensions (keys are made by `domain.ids`);
- it waits for no lock longer than 4 s, and no statement takes longer than 5 s, for the platform runs meanwhile;
- the previous release works with it: a column is dropped two releases after its last use.
"""

from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

LOCK_KEY = 0x5_4819D
"""The advisory lock of all migrations in one database. `take_place` (0008) has the locks of two numbers, others."""


def upgrade(database_url: str, to: str = "head") -> None:
    """Bring the database to a version, the newest if none is named.

    Raises sqlalchemy.exc.OperationalError where it does not answer.
    """
    # The URL is libpq's own and SQLAlchemy need not understand it: hosts, sockets and options stay what they are.
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        # Behind a pooler in transaction mode a prepared statement may be met that another client left there.
        creator=lambda: psycopg.connect(database_url, prepare_threshold=None),
        poolclass=sqlalchemy.NullPool,
    )
    with engine.connect() as connection:
        command.upgrade(_config(connection), to)


@dataclass(frozen=True)
class Version:
    """Which migration a database is at (None: none yet), and which is the newest."""

    current: str | None
    newest: str | None

    @property
    def is_newest(self) -> bool:
        """Whether there is nothing to do."""
        return self.current == self.newest


def version(database_url: str) -> Version:
    """Ask a database for its version; nothing is changed. Raises psycopg.OperationalError where it does not answer."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if found and found[0] else None
    return Version(row[0] if row else None, ScriptDirectory(str(Path(__file__).parent)).get_current_head())


def _config(connection: sqlalchemy.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    return config
