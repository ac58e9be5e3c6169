"""Base backups, the write-ahead log since, and restores to a point in time.

PostgreSQL's own programs do the work (pg_basebackup, pg_receivewal, pg_verifybackup, pg_archivecleanup); this names
files, keeps the order and says what went wrong. It needs Python's standard library alone, and runs as the user who owns
the server's files. docs/operations.md ("Backup and restore") tells how it is used.

    FOLDER/base/20261126T021700Z/   a base backup, verified when it got its name
    FOLDER/wal/                     the log, a segment a file; the last may be NAME.partial
"""

import fcntl
import filecmp
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SEGMENT = re.compile(r"[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history")
NAME = re.compile(r"\d{8}T\d{6}Z")
START_FILE = re.compile(r"^START WAL LOCATION: .*\(file ([0-9A-F]{24})\)$", re.MULTILINE)
COMMAND = Path(__file__).absolute().parent / "shipd_backup.py"


class BackupError(Exception):
    """What could not be done, in one line for whoever reads the journal."""


@dataclass(frozen=True)
class Store:
    """Where backups are, and the programs that make them."""

    folder: Path
    programs: Path | None
    """None: those of PATH."""

    @property
    def base(self) -> Path:
        """Where base backups are."""
        return self.folder / "base"

    @property
    def wal(self) -> Path:
        """Where the log is."""
        return self.folder / "wal"

    def names(self) -> list[str]:
        """Name the base backups, newest first."""
        found = self.base.iterdir() if self.base.is_dir() else ()
        return sorted((one.name for one in found if NAME.fullmatch(one.name)), reverse=True)

    def one(self, name: str | None) -> Path:
        """Find a base backup by its name; None: the newest. Raises BackupError."""
        names = self.names()
        if not names or (name is not None and name not in names):
            raise BackupError(f"{self.base} has {f'no backup {name}' if name else 'no backup'}: {names or 'nothing'}")
        return self.base / (name or names[0])

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of PostgreSQL and give what it says. Raises BackupError with its last words."""
        done = subprocess.run([self.path(program), *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BackupError(f"{program} ended with {done.returncode}: {(done.stdout + done.stderr)[-1000:].strip()}")
        return done.stdout

    def path(self, program: str) -> str:
        """Say where a program is."""
        return program if self.programs is None else str(self.programs / program)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store: of two who make or remove backups one waits."""
        self.base.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def archive(store: Store, source: Path, name: str) -> None:
    """Keep a finished segment (`archive_command`): whole and on the disk, or not at all.

    One that is there already must be the same: two servers that write to one folder are told from one that asks twice.
    """
    if not SEGMENT.fullmatch(name):
        raise BackupError(f"{name!r} is no name of a piece of the log")
    store.wal.mkdir(parents=True, exist_ok=True)
    target = store.wal / name
    if target.exists():
        if not filecmp.cmp(source, target, shallow=False):
            raise BackupError(f"{target} is another one: does a second server archive to this folder?")
        return
    with tempfile.NamedTemporaryFile(dir=store.wal, prefix=".new-", delete=False) as new:
        try:
            with source.open("rb") as old:
                shutil.copyfileobj(old, new)
            new.flush()
            os.fsync(new.fileno())
            Path(new.name).rename(target)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise
    _sync(store.wal)


def fetch(store: Store, name: str, target: Path) -> None:
    """Give a segment back (`restore_command`): a finished one, else as much of the last as was received."""
    if not SEGMENT.fullmatch(name):
        raise BackupError(f"{name!r} is no name of a piece of the log")
    for source in (store.wal / name, store.wal / f"{name}.partial"):
        if source.is_file():
            shutil.copyfile(source, target)
            return
    raise BackupError(f"{store.wal} has no {name}")  # how a restore learns that it is at the end of the log


def receive(store: Store, dbname: str, slot: str) -> None:
    """Become pg_receivewal, which keeps the log as it is written, from this machine or from another one.

    Its slot makes the server keep what was not received; `max_slot_wal_keep_size` says how much of it.
    """
    store.wal.mkdir(parents=True, exist_ok=True)
    known = ("--dbname", dbname, "--slot", slot, "--no-password")
    store.run("pg_receivewal", *known, "--create-slot", "--if-not-exists")
    argv = [store.path("pg_receivewal"), *known, "--directory", str(store.wal), "--synchronous"]
    os.execvp(argv[0], argv)  # noqa: S606 - without a shell is how it should be


def create(store: Store, dbname: str) -> str:
    """Make a base backup, have it verified, and give its name. Raises BackupError; nothing of it is left then."""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with store.locked():
        new = store.base / f"{name}.new"
        for left in store.base.glob("*.new"):  # of one that was killed
            shutil.rmtree(left)
        try:
            store.run(
                *(
                    "pg_basebackup",
                    "--dbname",
                    dbname,
                    "--pgdata",
                    str(new),
                    "--no-password",
                    "--label",
                    f"shipd {name}",
                ),
                *("--wal-method", "stream", "--checkpoint", "fast", "--manifest-checksums", "SHA256"),
            )
            store.run("pg_verifybackup", "--quiet", str(new))
            new.rename(store.base / name)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        _sync(store.base)
    return name


def prune(store: Store, keep: int) -> list[str]:
    """Remove all base backups but the newest, and the log before the oldest that stays; give what was removed."""
    with store.locked():
        names = store.names()
        for name in names[keep:]:
            gone = store.base / f"{name}.new"
            (store.base / name).rename(gone)
            shutil.rmtree(gone)
        if names and store.wal.is_dir():
            label = (store.base / names[:keep][-1] / "backup_label").read_text()
            first = START_FILE.search(label)
            if first is None:
                raise BackupError(f"the backup_label of {names[:keep][-1]} does not say where it starts")
            store.run("pg_archivecleanup", str(store.wal), first[1])
    return names[keep:]


def restore(store: Store, name: str | None, data: Path, until: str | None) -> Path:
    """Put a base backup into a folder that is empty or not there, so that a server started on it reads the log.

    It stops at the moment `until` (None: at the end of the log) and goes on from there on a timeline of its own. Gives
    which backup it was. Raises BackupError.
    """
    source = store.one(name)
    if data.exists() and any(data.iterdir()):
        raise BackupError(f"{data} is not empty: move it away first, it may be all there is of the last minutes")
    store.run("pg_verifybackup", "--quiet", str(source))
    shutil.copytree(source, data, symlinks=True, dirs_exist_ok=True)
    data.chmod(0o700)
    programs = [] if store.programs is None else ["--programs", str(store.programs)]
    words = [sys.executable, str(COMMAND), "--folder", str(store.folder), *programs, "fetch"]
    settings = {
        "restore_command": shlex.join(words).replace("%", "%%") + " %f %p",
        "recovery_target_timeline": "latest",
        "recovery_target_action": "promote",
        **({} if until is None else {"recovery_target_time": until}),
    }
    with (data / "postgresql.auto.conf").open("a") as conf:
        conf.writelines(f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items())
    (data / "recovery.signal").touch(mode=0o600)
    return source


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
