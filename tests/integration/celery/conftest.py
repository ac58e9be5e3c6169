"""The nodes of pytest-celery as real processes: one Valkey, one PostgreSQL, a sweeper, workers with real jails.

Docker is not needed: the plugin's nodes only ask a container for what `ProcessContainer` has. The nodes are shared by
all tests of this folder, and what a test killed is started again before the next. Time limits are short, so that
seconds are enough to see what happens when one passes; nothing sleeps, tests wait for what should come.
"""

import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID

import pytest
from celery import Celery
from click.testing import CliRunner, Result
from pytest_celery import CeleryTestBroker, CeleryTestSetup, CeleryTestWorker

import migrations
from app.cli import main
from domain.blob_folder import FolderBlobs
from domain.blobs import BlobStore
from domain.db import Database
from domain.model import Priority
from domain.queue import make_celery
from domain.settings import TREE, Settings
from standalone import ports
from standalone.delegation import may_make_cgroups
from standalone.servers import Postgres, Valkey
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, empty, jailed, remove_groups
from tests.measuring import unmeasured

READY = " ready."
SWEEPING = '"event":"sweeping"'
COUNTED = ("test_help.py", "test_webhooks.py")
"""Whose workers do what neither unit tests nor whole platforms do; the lines of a hundred others are not counted."""
Start = Callable[..., ProcessContainer]

SHORT = {
    # Renewed three times as often: none is lost while the machine stalls for four seconds.
    "SHIPD_LEASE_S": "7",
    "SHIPD_SWEEP_S": "1",
    # Longer than a test waits: what a broker lost, and what it was not sent, is found without it.
    "SHIPD_MESSAGE_LOST_S": "60",
    "SHIPD_MAX_ATTEMPTS": "2",
    "SHIPD_STOP_GRACE_S": "1",
    "SHIPD_SLOTS": "1",
    # Hosts that share a machine would run test cases on each other's CPUs; test_help.py has those that do.
    "SHIPD_HELP": "off",
}


class StandIns:
    """Workers of other settings in the place of the usual one. One stays for the tests behind that ask for the same."""

    def __init__(self, host: Start, usual: ProcessContainer) -> None:
        self._host = host
        self._usual = usual
        self._known: dict[str, ProcessContainer] = {}

    def take_over(self, name: str, **settings: str) -> ProcessContainer:
        """Give the worker of this name, ready, and no other."""
        self.end(but=name)
        end_worker(self._usual)
        if name not in self._known:
            self._known[name] = self._host(name, **settings)
        elif self._known[name].status != "running":
            self._known[name].start()
        self._known[name].ready()
        return self._known[name]

    def end(self, but: str = "") -> None:
        """End all of them, or all but one."""
        for name, container in self._known.items():
            if name != but:
                container.teardown()


def end_worker(worker: ProcessContainer) -> None:
    """End a worker in order, if it runs; one that still starts knows nothing of order."""
    if worker.status == "running":
        worker.ready()
        worker.kill("SIGTERM")
        worker.wait()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fleet")


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[Postgres]:
    with Postgres(folder / "postgres", ports.choose(1)[0], durable=False) as server:
        migrations.upgrade(server.url)
        yield server


@pytest.fixture(scope="session")
def database_url(postgres: Postgres) -> str:
    return postgres.url


@pytest.fixture
def blobs(environ: Mapping[str, str]) -> BlobStore:
    return FolderBlobs(Path(environ["SHIPD_BLOB_DIR"]))


@pytest.fixture(scope="session")
def valkey(folder: Path) -> Valkey:
    return Valkey(folder / "valkey", ports.choose(1)[0], durable=False)


@pytest.fixture(scope="session")
def environ(folder: Path, database_url: str, valkey: Valkey) -> Mapping[str, str]:
    """What every process has in common. One language, so that a worker need not ask every compiler for its version."""
    shutil.copytree(TREE / "jail-configs", folder / "jail-configs")
    for path in (folder / "jail-configs" / "languages").glob("*.toml"):
        if path.name != "python.toml":
            path.unlink()
    return {
        **SHORT,
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey.url,
        "SHIPD_BLOB_DIR": str(folder / "blobs"),
        "SHIPD_JAIL_CONFIGS": str(folder / "jail-configs"),
        "SHIPD_CGROUPS": "auto" if may_make_cgroups() else "none",
    }


@pytest.fixture
def shipd(environ: Mapping[str, str]) -> Callable[..., Result]:
    """Run a command of `shipd` in the workers' environment."""
    return lambda *arguments: CliRunner().invoke(main, arguments, env={**os.environ, **environ}, catch_exceptions=False)


@pytest.fixture(scope="session")
def celery_broker(folder: Path, valkey: Valkey) -> Iterator[CeleryTestBroker]:
    valkey.prepare()
    urls = {"url": valkey.url, "host_url": valkey.url}
    container = ProcessContainer("broker", valkey.argv(), folder / "broker.log", lambda _: valkey.answers(), **urls)
    container.start()
    node = CeleryTestBroker(container)
    assert node.ready()
    yield node
    node.teardown()


@pytest.fixture
def celery_backend_cluster() -> None:
    """There is none: tasks give no results, PostgreSQL has them."""


@pytest.fixture(scope="session")
def celery_setup_app(environ: Mapping[str, str], celery_broker: CeleryTestBroker) -> Iterator[Celery]:
    """The application that the API sends with."""
    app = make_celery(Settings.from_environment(environ))
    yield app
    app.close()


@pytest.fixture(scope="session")
def host(folder: Path, environ: Mapping[str, str], celery_broker: CeleryTestBroker) -> Iterator[Start]:
    """Start `python -m workers ...` as a host of its own; give it without waiting until it is ready."""
    started: list[ProcessContainer] = []
    token = secrets.token_hex(4)

    def start(name: str, *arguments: str, module: str = "workers", **settings: str) -> ProcessContainer:
        argv = [sys.executable, "-m", module, *arguments]
        ready = SWEEPING if "beat" in arguments else READY
        container = ProcessContainer(name, argv, folder / f"{name}.log", lambda own: ready in own.logs())
        own = {"SHIPD_HOST": name, "SHIPD_STATE_DIR": str(folder / name), "SHIPD_INSTANCE": f"{name}-{token}"}
        # Jails that stand ready would be taken for jails that run; test_warm_jails.py and others have them.
        counted = any(name in os.environ["PYTEST_CURRENT_TEST"] for name in COUNTED)
        with nullcontext() if counted else unmeasured():
            container.environ = {**container.environ, **environ, "SHIPD_POOL_MB": "0", **own, **settings}
        container.start()
        started.append(container)
        return container

    yield start
    for container in started:
        container.teardown()
        remove_groups(container)


@pytest.fixture(scope="session")
def sweeper(host: Start) -> ProcessContainer:
    return host("sweeper", "beat")


@pytest.fixture(scope="session")
def celery_worker(host: Start, sweeper: ProcessContainer, celery_setup_app: Celery) -> CeleryTestWorker:
    """A worker of one slot, and a sweeper beside it."""
    return CeleryTestWorker(host("worker"), celery_setup_app)


@pytest.fixture
def worker(celery_worker: CeleryTestWorker) -> ProcessContainer:
    """The process of the worker that is always there."""
    container: ProcessContainer = celery_worker.container
    return container


@pytest.fixture(scope="module")
def other(host: Start) -> Iterator[ProcessContainer]:
    """Another worker of one slot, for the tests of one file, whatever these do to it."""
    container = host("second")
    yield container
    container.teardown()


@pytest.fixture
def second(other: ProcessContainer) -> ProcessContainer:
    """That worker, ready."""
    if other.status != "running":
        other.start()
    assert other.ready()
    return other


@pytest.fixture
def calm(
    celery_broker: CeleryTestBroker,
    celery_setup_app: Celery,
    sweeper: ProcessContainer,
    db: Database,
    blobs: BlobStore,
    owner: UUID,
) -> Fleet:
    """All but workers, up and ready, and nothing to do: for tests that have workers of their own."""
    empty(db)
    nodes = [celery_broker.container, sweeper]
    for container in nodes:
        if container.status != "running":
            container.start()
    for container in nodes:
        container.ready()
    with celery_setup_app.connection_for_write() as connection:
        # What killed workers did not acknowledge would come again, two hours later.
        connection.default_channel.client.delete("unacked", "unacked_index", *Priority)
    return Fleet(celery_setup_app, db, blobs, owner)


@pytest.fixture
def fleet(calm: Fleet, celery_setup: CeleryTestSetup, worker: ProcessContainer, stand_ins: StandIns) -> Iterator[Fleet]:
    """The whole of it, with the worker that is there for all tests that need no other."""
    assert celery_setup.worker.container is worker
    stand_ins.end()
    if worker.status != "running":
        worker.start()
    worker.ready()
    yield calm
    if worker.status == "running" and jailed(worker):
        worker.kill_all()


@pytest.fixture(scope="session")
def stand_ins(host: Start, celery_worker: CeleryTestWorker) -> StandIns:
    return StandIns(host, celery_worker.container)


@pytest.fixture
def instead(calm: Fleet, stand_ins: StandIns) -> Iterator[Start]:
    """Have a worker of other settings, ready, in the place of the usual one; not for tests that ask for that before."""
    started: list[ProcessContainer] = []

    def start(name: str, **settings: str) -> ProcessContainer:
        started.append(stand_ins.take_over(name, **settings))
        return started[-1]

    yield start
    with calm.db.statement() as tx:
        at_work = tx.execute("SELECT FROM executions WHERE lease_until IS NOT NULL").fetchone()
    for container in started:
        if at_work is not None and container.status == "running":
            container.kill_all()
