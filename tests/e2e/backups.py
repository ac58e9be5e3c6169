"""`shipd-backup` as it is run on a machine, and a server whose files can be lost."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from standalone import tied
from standalone.servers import NOBODY, Postgres
from tests.waiting import eventually

COMMAND = Path(__file__).absolute().parents[2] / "ansible/roles/postgres/files/backup/shipd_backup.py"


class Archiving(Postgres):
    """A server that hands every finished piece of its log to `shipd-backup archive`."""

    backups: "Backups"

    def argv(self) -> list[str]:
        command = " ".join([*self.backups.words, "archive", "%p", "%f"])
        return [*super().argv(), "-c", "archive_mode=on", "-c", f"archive_command={command}"]


@dataclass(frozen=True)
class Backups:
    """Where backups are, and the server that they are of."""

    folder: Path
    server: Postgres

    @property
    def words(self) -> list[str]:
        """The command, as far as it is always the same."""
        programs = str(self.server._binaries)
        return [sys.executable, str(COMMAND), "--folder", str(self.folder), "--programs", programs]

    def run(self, *words: str, environ: Mapping[str, str] | None = None) -> Any:
        """Run it as the user whom PostgreSQL runs as, and give what it says. Raises AssertionError with its words."""
        mapped = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
        argv = [*(mapped if os.geteuid() == 0 else []), *self.words, *words]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, **(environ or {})})
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """Receive the log as it is written, until the server is gone."""
        argv = [*self.words, "receive", "--dbname", self.server.url]
        receiver = subprocess.Popen(tied.argv(argv, on_death=signal.SIGTERM), stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: any((self.folder / "wal").glob("*.partial")))
            yield
        finally:
            receiver.terminate()
            receiver.wait()

    def behind(self) -> bool:
        """Say whether something was committed that is not received."""
        with psycopg.connect(self.server.url) as connection:
            row = connection.execute(
                "SELECT bool_and(flush_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication"
            ).fetchone()
        return row is None or not row[0]


def destroy(server: Postgres) -> None:
    """Kill a server with everything below it, and remove its files."""
    assert server.pid is not None
    process = psutil.Process(server.pid)
    everything = [process, *process.children(recursive=True)]
    for one in everything:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    server.stop()
    psutil.wait_procs(everything[1:])
    shutil.rmtree(server.folder / "data")
