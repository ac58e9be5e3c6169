"""A whole private platform under one folder: servers, the platform's programs and Flower, with a process manager.

    FOLDER/ports.json       the ports it chose at first start
    FOLDER/shipd.env        SHIPD_URL and SHIPD_API_KEY, mode 0600
    FOLDER/postgres valkey  the embedded servers, where DATABASE_URL and REDIS_URL name no others
    FOLDER/blobs logs ...   what the platform keeps, a log for every program
    FOLDER/lock             held while anything of it runs

`make up` runs one in `var/`; tests run theirs in temporary folders.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import migrations
from domain import hosts, keys
from domain.db import Database
from domain.settings import Settings
from sandbox import SandboxConfig, SandboxError, detect
from standalone import delegation, lock, ports, programs, secret
from standalone.client import Client
from standalone.programs import Program
from standalone.servers import Postgres, Server, Valkey
from standalone.supervisor import ProgramError, Supervisor
from streams import passing

HEALTHY_S = 240
"""What does not answer by then is not well; on a machine that is busy it took a minute."""
ASK_S = 0.05
METRICS = ("metrics", "fleet_metrics", "api_metrics", "stream_metrics", "deliver_metrics")
"""On which programs answer Prometheus, as their settings name the ports: SHIPD_METRICS_PORT and so on."""


def _say_nothing(step: str) -> None:
    del step


class Stack:
    """One platform; a context manager that gives it healthy and leaves no process.

    `environ` is added to this process's environment, for the platform's settings. `port` fixes the API's port.
    `durable=False` is for tests: quick, and lost with the machine. `worker` takes the worker's place, for measurements.
    `arranged` is given the usual programs and gives those that run: others beside, some in other surroundings.
    `report` is told of each step that begins.
    """

    def __init__(
        self,
        folder: Path,
        *,
        environ: Mapping[str, str] | None = None,
        port: int | None = None,
        durable: bool = True,
        worker: Program | None = None,
        arranged: Callable[[Sequence[Program]], Sequence[Program]] = list,
        report: Callable[[str], None] = _say_nothing,
    ) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._base = {**os.environ, **(environ or {})}
        self._port = port
        self._durable = durable
        self._worker = worker or programs.worker()
        self._arranged = arranged
        self._report = report

    @cached_property
    def ports(self) -> Mapping[str, int]:
        """The port of each part, by name."""
        own = ("flower", *METRICS, Postgres.name, Valkey.name)
        names = [*own, *([] if self._port else ["api"])]
        chosen = ports.remembered(self.folder / "ports.json", names)
        return {**chosen, "api": self._port} if self._port else chosen

    @cached_property
    def servers(self) -> list[Server]:
        """The embedded servers: those that no URL names another for."""
        return [
            kind(self.folder / kind.name, self.ports[kind.name], durable=self._durable, environ=self._base)
            for kind in (Postgres, Valkey)
            if not _given(self._base, _VARIABLES[kind.name])
        ]

    @cached_property
    def environ(self) -> Mapping[str, str]:
        """The environment of every process of this platform: its settings, secrets included."""
        urls = {_VARIABLES[server.name]: server.url for server in self.servers}
        own = {
            "SHIPD_STATE_DIR": str(self.folder),
            "FLOWER_BASIC_AUTH": f"shipd:{secret.kept(self.folder / 'flower.password')}",
        }
        chosen = {
            # Made once by `make setup`, whatever folder this platform keeps its state in.
            "SHIPD_CACHE_DIR": str(programs.TREE / "var" / "caches"),
            # Two platforms on one machine must not share cgroups.
            "SHIPD_INSTANCE": "shipd-" + hashlib.sha256(bytes(self.folder)).hexdigest()[:8],
            "SHIPD_CGROUPS": "auto" if delegation.may_make_cgroups() else "none",
            **{f"SHIPD_{name.upper()}_PORT": str(self.ports[name]) for name in METRICS},
        }
        return {**chosen, **self._base, **own, **urls}

    @cached_property
    def settings(self) -> Settings:
        """The settings that its processes read. Raises ValueError naming a variable that is wrong."""
        return Settings.from_environment(self.environ)

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def flower_url(self) -> str:
        """Where Flower answers; user and password are FLOWER_BASIC_AUTH in `environ`."""
        return f"http://127.0.0.1:{self.ports['flower']}"

    @property
    def api_key(self) -> str:
        """An administrator's key, made at the first start and kept in `shipd.env`; KeyError before that."""
        return _assignments(self.folder / "shipd.env")["SHIPD_API_KEY"]

    @property
    def client(self) -> Client:
        """A client of its API with that key."""
        return Client(self.url, self.api_key)

    @cached_property
    def supervisor(self) -> Supervisor:
        """The process manager, for tests that kill and restart."""
        servers = [
            Program(server.name, tuple(server.argv()), stop_signal=server.stop_signal, group="servers")
            for server in self.servers
        ]
        return Supervisor(self.folder, [*servers, *self._programs])

    def start(self) -> None:
        """Start everything and wait until it is healthy. Raises ServerError or ProgramError with the log's end."""
        held = lock.take(self.folder / "lock")
        try:
            self._start(held)
        except BaseException:
            self.stop()
            raise
        finally:
            os.close(held)

    def stop(self) -> None:
        """Stop everything that was started, and remove the control groups of its jails."""
        self.supervisor.stop()
        own = self.settings
        config = SandboxConfig(own.instance, own.state_dir, own.jail_configs, own.cgroups)
        with contextlib.suppress(SandboxError):  # a host without control groups, where no jail could be made
            detect.hierarchy(config).forget()

    def wait(self) -> int:
        """Wait until the process manager ends by itself or by a command, and give its exit code."""
        return self.supervisor.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, held: int) -> None:
        self._prepare(held)
        self._report("PostgreSQL and Redis")
        self._start_servers()
        self._report("migrations")
        migrations.upgrade(self.settings.database_url)
        with closing(Database(self.settings.database_url, max_size=1, pooler=self.settings.db_pooler)) as db:
            self._write_key(db)
            self._report("API, streams, worker, beat, deliverer and Flower")
            self._start_programs(db)
        self._report("healthy")

    def _prepare(self, held: int) -> None:
        self._report("process manager")
        for server in self.servers:
            server.folder.mkdir(parents=True, exist_ok=True)
            server.prepare()
        self.supervisor.start(self.environ, held)

    def _start_servers(self) -> None:
        for server in self.servers:
            self.supervisor.run(server.name)
        for server in self.servers:
            server.wait(lambda name=server.name: self.supervisor.check(name))  # type: ignore[misc] # of this turn

    def _write_key(self, db: Database) -> None:
        path = self.folder / "shipd.env"
        known = _assignments(path).get("SHIPD_API_KEY")
        if known is None or keys.verify(db, known) is None:
            known = keys.create(db, name="standalone", role="admin", network=True)
        secret.write(path, f"SHIPD_URL={self.url}\nSHIPD_API_KEY={known}\n")

    @cached_property
    def _programs(self) -> Sequence[Program]:
        usual = [
            programs.beat(),
            programs.api(self.ports["api"]),
            programs.stream(self.settings.stream_socket),
            self._worker,
            programs.deliver(),
            programs.flower(self.ports["flower"]),
        ]
        return self._arranged(usual)

    def _start_programs(self, db: Database) -> None:
        began = time.time()
        for program in self._programs:
            self.supervisor.run(program.name)
        self._wait(
            {
                "beat": lambda: self.supervisor.state("beat") == "RUNNING",  # it has nothing else to be asked by
                "deliver": lambda: self.supervisor.state("deliver") == "RUNNING",
                "api": lambda: _answers(self.client, "/readyz"),
                "stream": lambda: passing.ask(self.settings.stream_socket),
                "worker": lambda: any(host.seen_at.timestamp() >= began for host in hosts.known(db)),
                "flower": lambda: _answers(Client(self.flower_url), "/healthcheck"),
            }
        )

    def _wait(self, healthy: Mapping[str, Callable[[], bool]]) -> None:
        waiting, deadline = dict(healthy), time.monotonic() + HEALTHY_S
        while waiting:
            for name, is_healthy in list(waiting.items()):
                self.supervisor.check(name)
                if is_healthy():
                    del waiting[name]
            if time.monotonic() > deadline:
                words = "\n".join(f"{name}: {self.supervisor.last_words(name)}" for name in waiting)
                raise ProgramError(f"not healthy after {HEALTHY_S} s: {words}")
            time.sleep(ASK_S)


_VARIABLES = {Postgres.name: "DATABASE_URL", Valkey.name: "REDIS_URL"}


def _given(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def _answers(client: Client, path: str) -> bool:
    try:
        return client.get(path).status == 200
    except OSError:  # nobody listens yet
        return False


def _assignments(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines if "=" in line)
