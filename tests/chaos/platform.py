"""The platform of one run: two workers in two regions, one with a wrong clock, and proxies before Redis.

Programs and servers are kept running by the process manager, and what it gives up is started again, as a host's does.
"""

import glob
import http.client
import os
import shutil
import signal
import subprocess
import threading
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import psycopg

from domain import hosts
from domain.db import Database
from standalone import ports, secret
from standalone.programs import Program
from standalone.stack import Stack
from streams import passing
from tests.chaos.broker_proxy import Proxy, proxying
from tests.chaos.plan import FAR

NEAR_WORKER, FAR_WORKER = "worker", "worker-far"
REDIS = "valkey"
OFF = "+10m"
"""By how much the second worker's clock is off."""
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"
CC = ("cc", "-shared", "-fPIC", "-O1")
MONOTONIC = Path(__file__).with_name("monotonic.c")
_REPORTED = "SELECT name, extract(epoch FROM reported_at)::float8 FROM hosts"
GIVEN_UP = "FATAL"
"""The process manager's word for a program that ended too often."""
START_S = 60
ASK_S = 0.1
KEEP_S = 0.5
"""How often it is looked whether the process manager gave a program up."""


@dataclass(frozen=True)
class Times:
    """How patient the platform is, in seconds: short, so that minutes show what happens when patience ends."""

    lease_s: int = 10
    sweep_s: int = 2
    message_lost_s: int = 10

    def settings(self) -> Mapping[str, str]:
        """Give them as the platform's settings."""
        return {
            "SHIPD_LEASE_S": str(self.lease_s),
            "SHIPD_SWEEP_S": str(self.sweep_s),
            "SHIPD_MESSAGE_LOST_S": str(self.message_lost_s),
            "SHIPD_STOP_GRACE_S": "5",
        }


@dataclass
class Platform:
    """The platform that runs, for those who do something to it."""

    stack: Stack
    proxies: Sequence[Proxy]
    times: Times
    held: set[str] = field(default_factory=set)
    """Programs that are down on purpose."""
    restarted: list[str] = field(default_factory=list)
    """What the process manager had given up, each time."""

    @property
    def folder(self) -> Path:
        """Its state."""
        return self.stack.folder

    @property
    def instances(self) -> tuple[str, str]:
        """What the control groups of the two workers are named after."""
        return self.stack.settings.instance, far_instance(self.stack)

    @property
    def names(self) -> list[str]:
        """Every program and server."""
        return ["postgres", REDIS, "beat", "api", "stream", NEAR_WORKER, FAR_WORKER, "deliver", "flower"]

    def process(self, name: str) -> psutil.Process | None:
        """Give the main process of a program; None where it is not running."""
        pid = self.stack.supervisor.pid(name)
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(pid) if pid else None
        return None

    def family(self, name: str) -> list[psutil.Process]:
        """Give all processes of a program, its main process first; none where it is not running."""
        main = self.process(name)
        with suppress(psutil.NoSuchProcess):
            return [main, *main.children(recursive=True)] if main else []
        return []

    def is_up(self) -> bool:
        """Say whether every program runs, API and streams answer, and both workers have come up since they began."""
        try:
            ready = self.stack.client.get("/readyz").status == 200 and passing.ask(self.stack.settings.stream_socket)
            return ready and all(map(self.process, self.names)) and self._workers_are_up()
        except (OSError, http.client.HTTPException, psycopg.OperationalError):
            return False

    def _workers_are_up(self) -> bool:
        with psycopg.connect(self.stack.settings.database_url, connect_timeout=2) as connection:
            reported: dict[str, float] = dict(connection.execute(_REPORTED).fetchall())
        workers = {"near": self.process(NEAR_WORKER), "far": self.process(FAR_WORKER)}
        return all(one and reported[host] > one.create_time() for host, one in workers.items())

    def halt(self, name: str) -> None:
        """Stop a program, and have it stay down."""
        self.held.add(name)
        while self.stack.supervisor.state(name) not in {"STOPPED", GIVEN_UP}:
            with suppress(xmlrpc.client.Fault):  # it ended meanwhile, and is about to be started again
                self.stack.supervisor.halt(name)

    def run(self, name: str) -> None:
        """Start a program that was halted."""
        self.stack.supervisor.run(name)
        self.held.discard(name)

    def keep(self) -> None:
        """Start again what the process manager gave up."""
        for name in self.names:
            if name not in self.held and self.stack.supervisor.state(name) == GIVEN_UP:
                self.restarted.append(name)
                self.stack.supervisor.run(name)


def send(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to processes; those that are gone need none."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def far_instance(stack: Stack) -> str:
    """Name the instance of the second worker."""
    return f"{stack.settings.instance}-far"


@contextmanager
def running(folder: Path, times: Times, settings: Mapping[str, str]) -> Iterator[Platform]:
    """Run a platform in `folder`; it is healthy, and both workers have told that they are there."""
    own = {
        **times.settings(),
        **settings,
        "SHIPD_NETWORK": "off",
        "FLOWER_ENABLE_EVENTS": "False",
        "SHIPD_HOST": "near",
    }
    with ExitStack() as opened:
        near, away = ports.choose(2)
        stack = Stack(folder, environ=own, arranged=lambda usual: _arranged(stack, usual, near, away))
        proxies = [opened.enter_context(proxying(port, stack.ports[REDIS])) for port in (near, away)]
        platform = Platform(stack, proxies, times)
        opened.enter_context(stack)
        _wait_for_hosts(platform)
        opened.enter_context(_kept(platform))
        yield platform


@contextmanager
def _kept(platform: Platform) -> Iterator[None]:
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(KEEP_S):
            platform.keep()

    thread = threading.Thread(target=look, name="keep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _wait_for_hosts(platform: Platform) -> None:
    deadline = time.monotonic() + START_S
    with closing(Database(platform.stack.settings.database_url, min_size=0)) as db:
        while len([host for host in hosts.known(db) if host.live]) < 2:
            if time.monotonic() > deadline:
                raise TimeoutError(platform.stack.supervisor.last_words(FAR_WORKER))
            time.sleep(ASK_S)


def _arranged(stack: Stack, usual: Sequence[Program], workers_port: int, api_port: int) -> list[Program]:
    """Have the workers, and the API with its streams, reach Redis through proxies; and one more worker."""
    through = {
        port: _named(stack, f"redis.{name}", port) for name, port in (("workers", workers_port), ("api", api_port))
    }
    found = []
    for program in usual:
        match program.name:
            case "worker":
                found += _workers(stack, program, through[workers_port])
            case "api" | "stream":
                found.append(_within(program, through[api_port]))
            case _:
                found.append(program)
    return found


def _workers(stack: Stack, program: Program, redis: Mapping[str, str]) -> list[Program]:
    """Give two workers, each on a CPU of its own while there are two."""
    cpus = sorted(os.sched_getaffinity(0))
    near, away = (
        replace(program, argv=("taskset", "--cpu-list", str(cpu), *program.argv)) for cpu in (cpus[0], cpus[-1])
    )
    own = {
        "SHIPD_HOST": "far",
        "SHIPD_REGION": FAR,
        "SHIPD_INSTANCE": far_instance(stack),
        "SHIPD_STATE_DIR": str(stack.folder / "far"),
        "SHIPD_BLOB_DIR": str(stack.settings.blob_dir),
        "SHIPD_METRICS_PORT": "",
    }
    return [
        _within(near, redis),
        _within(replace(away, name=FAR_WORKER), {**redis, **own, **wrong_clock(stack.folder)}),
    ]


def wrong_clock(folder: Path) -> Mapping[str, str]:
    """Say how a program gets a clock that is off; nothing where the library for it is not installed.

    Its monotonic clock stays right. What else has to be loaded for that is built in `folder`.
    """
    library = _faketime()
    if library is None:
        return {}
    built = folder / "monotonic.so"
    subprocess.run([*CC, "-o", built, MONOTONIC], check=True)
    return {"LD_PRELOAD": f"{built} {library}", "FAKETIME": OFF, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def wrong_clock_possible() -> bool:
    """Whether the library for it is installed."""
    return _faketime() is not None


def _faketime() -> str | None:
    return next(iter(glob.glob(FAKETIME)), None)  # noqa: PTH207 - an absolute pattern


def _within(program: Program, variables: Mapping[str, str]) -> Program:
    """Have a program run with other variables: `REDIS_URL` is taken from it, for a file says that."""
    words = [f"{name}={value}" for name, value in variables.items()]
    return replace(program, argv=("env", "--unset=REDIS_URL", *words, *program.argv))


def _named(stack: Stack, name: str, port: int) -> Mapping[str, str]:
    """Keep the URL of a proxy in a file, where nobody else reads the password in it."""
    url = next(server.url for server in stack.servers if server.name == REDIS)
    path = stack.folder / name
    secret.write(path, url.replace(f":{stack.ports[REDIS]}/", f":{port}/"))
    return {"REDIS_URL_FILE": str(path)}


def usable() -> list[str]:
    """Say what this machine lacks for a whole run."""
    lacking = [] if shutil.which("taskset") else ["taskset: apt-get install util-linux"]
    if not wrong_clock_possible():
        lacking.append("a wrong clock: apt-get install faketime")
    if os.geteuid() != 0:
        lacking.append("root, to fill a file system of its own, and for boxes on disk")
    return lacking
