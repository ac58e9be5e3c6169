"""PgBouncer of a test run, in transaction mode: every transaction gets any of a few connections to PostgreSQL."""

import os
import shutil
import signal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from domain.db import CONNECT_QUERY
from standalone import secret
from standalone.servers import NOBODY, Server

CONNECTIONS = 2
"""To PostgreSQL for each database: fewer than who asks, so that they change hands all the time."""


class PgBouncer(Server):
    """Listens on 127.0.0.1 for any database of the PostgreSQL at a URL. `sets_timeouts` as docs/scaling.md asks for."""

    name = "pgbouncer"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path, port: int, postgres_url: str, *, sets_timeouts: bool = True) -> None:
        super().__init__(folder, port)
        self._behind = urlsplit(postgres_url)
        self._sets_timeouts = sets_timeouts

    @property
    def url(self) -> str:
        return self.url_of(self._behind.geturl())

    def url_of(self, database_url: str) -> str:
        """Give where a database of this PostgreSQL is reached through it."""
        asked = urlsplit(database_url)
        return urlunsplit(asked._replace(netloc=f"{asked.username}:{asked.password}@127.0.0.1:{self.port}"))

    def prepare(self) -> None:
        """Write its configuration, and who may connect."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secret.write(self.folder / "users.txt", f'"{self._behind.username}" "{self._behind.password}"\n')
        query = CONNECT_QUERY.replace("'", "''")
        said = f" connect_query='{query}'" if self._sets_timeouts else ""
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self.folder / "users.txt"),
            "pool_mode": "transaction",
            "default_pool_size": str(CONNECTIONS),
            "max_client_conn": "200",
        }
        behind = f"[databases]\n* = host=127.0.0.1 port={self._behind.port}{said}\n"
        written = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self.folder / "pgbouncer.ini").write_text(f"{behind}[pgbouncer]\n{written}")

    def argv(self) -> list[str]:
        # It refuses to run as root: in a user namespace of its own it is nobody, as PostgreSQL is (standalone/servers).
        mapped = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") or "pgbouncer"
        return [*(mapped if os.geteuid() == 0 else []), program, str(self.folder / "pgbouncer.ini")]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
