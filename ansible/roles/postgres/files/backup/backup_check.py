"""A backup is one when it was restored: into a server of its own, which is asked and thrown away."""

import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backup_store import BackupError, Store, restore

ASK_S = 0.1
LONGEST_S = 6 * 3600
NOT_YET = ("starting up", "not yet accepting", "No such file or directory")
"""What psql says of a server that has not come to the end of the log."""
COUNTED = ("submissions", "executions", "audit_log")


def verify(store: Store, name: str | None, user: str, database: str, then: Sequence[str]) -> dict[str, object]:
    """Restore into a server of its own that nobody can reach, look at what is in it, and throw it away.

    `then` is run with its DATABASE_URL; it must end with 0. Raises BackupError.
    """
    began = time.monotonic()
    # The name of a socket has 107 bytes at the most.
    with tempfile.TemporaryDirectory(prefix="shipd-verify-", dir=store.folder) as scratch, _socket() as sockets:
        data = Path(scratch) / "data"
        source = restore(store, name, data, None)
        url = f"postgresql://{user}@/{database}?host={sockets}"
        with _started(store, data, sockets) as server:
            _wait(store, url, server)
            found: dict[str, object] = {"backup": source.name, "restored_s": round(time.monotonic() - began, 1)}
            found["until"] = _ask(store, url, "SELECT pg_last_xact_replay_timestamp()")
            found |= {table: int(_ask(store, url, f"SELECT count(*) FROM {table}")) for table in COUNTED}  # noqa: S608
            if then:
                done = subprocess.run(then, env={**os.environ, "DATABASE_URL": url}, check=False)
                if done.returncode != 0:
                    raise BackupError(f"{shlex.join(then)} ended with {done.returncode} on the restored database")
    return found


@contextmanager
def _socket() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="shipd-") as folder:
        yield folder


@contextmanager
def _started(store: Store, data: Path, sockets: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on restored files: without a network, without archiving, with none of the settings of the first."""
    (data / "scratch.conf").touch()
    (data / "scratch_hba.conf").write_text("local all all trust\n")
    settings = {
        "config_file": str(data / "scratch.conf"),
        "hba_file": str(data / "scratch_hba.conf"),
        "listen_addresses": "",
        "unix_socket_directories": sockets,
        "port": "5432",
        "ssl": "off",
        "archive_mode": "off",
        "hot_standby": "off",  # else it asks for as many connections as the first has
        "shared_preload_libraries": "",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (data.parent / "server.log").open("wb") as log:
        argv = [store.path("postgres"), "-D", str(data), *options]
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield server
    except BackupError as error:
        raise BackupError(f"{error}; {(data.parent / 'server.log').read_text(errors='replace')[-2000:]}") from error
    finally:
        server.terminate()
        server.wait()


def _wait(store: Store, url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise BackupError(f"the restored server ended with {server.returncode}")
        try:
            if _ask(store, url, "SELECT pg_is_in_recovery()") == "f":
                return
        except BackupError as error:
            if not any(words in str(error) for words in NOT_YET):
                raise
        time.sleep(ASK_S)
    raise BackupError(f"the restored server did not come to the end of the log in {LONGEST_S} s")


def _ask(store: Store, url: str, query: str) -> str:
    return store.run("psql", "--no-psqlrc", "--no-password", "-At", "-c", query, url).strip()
