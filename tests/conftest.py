"""Real servers for the whole test run, each started at its first use and gone at the end."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from standalone import ports
from standalone.servers import Postgres, Valkey
from standalone.stack import Stack
from tests.measuring import UNMEASURED, unmeasured
from tests.s3 import S3

collect_ignore = ["ansible"]
"""Boots machines: `make test-ansible`, which does not come by here."""

# Whether a run passes is decided by the code, not by how fast the machine is or by which examples a generator draws
# this time. To look for others: `--hypothesis-profile=default`.
hypothesis.settings.load_profile("ci")

SHM = Path("/dev/shm")
SHM_BYTES = 3 * 2**30
"""So much is free where databases of tests are kept in memory: three processes have a server each."""

LANES = {
    "jails": ("tests/jail/", "tests/problems/"),
    "platforms": ("tests/e2e/", "tests/integration/celery/", "tests/chaos/", "tests/unit/standalone/test_stack.py"),
}
"""Tests that run programs. Those of jails come one after the other: two at once would take each other's CPUs.

What asks the shared platform is in one lane too: each process starts its own.
"""


def _lane(nodeid: str) -> str | None:
    return next((name for name, folders in LANES.items() if nodeid.startswith(folders)), None)


class Lanes(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives each lane to one process, and what is in none file by file."""

    def _split_scope(self, nodeid: str) -> str:
        return _lane(nodeid) or nodeid.partition("::")[0]


def pytest_configure(config: pytest.Config) -> None:
    """Have each process choose from ports of its own: between choosing one and listening there seconds may pass."""
    if worker := getattr(config, "workerinput", None):
        number, count, everyones = int(worker["workerid"].removeprefix("gw")), worker["workercount"], ports.candidates
        ports.candidates = lambda: everyones()[number::count]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Lanes:
    """Where several processes share the tests (`make test`), have them take lanes."""
    return Lanes(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the lanes: they take the longest."""
    if hasattr(config, "workerinput"):
        order = [*LANES, None]
        items.sort(key=lambda item: order.index(_lane(item.nodeid)))


def pytest_collection_finish() -> None:
    """Leave ten thousand collected tests out of every collection of garbage from now on."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let what runs programs have the CPUs first."""
    beside = hasattr(item.config, "workerinput") and _lane(item.nodeid) is None
    if beside and os.nice(0) == 0:
        os.nice(10)


@pytest.fixture(scope="module", autouse=True)
def measuring(request: pytest.FixtureRequest) -> Iterator[None]:
    """Count the lines that tests run, but for those that need not be counted."""
    if not request.node.nodeid.startswith(UNMEASURED):
        yield
        return
    with unmeasured():
        yield


@pytest.fixture(scope="session")
def postgres_url(in_memory: Path) -> Iterator[str]:
    """An empty PostgreSQL of this test run; its user may create databases."""
    with Postgres(in_memory, ports.choose(1)[0], durable=False) as server:
        yield server.url


@pytest.fixture(scope="session")
def in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is room: of two thousand databases, each of 300 files, a disk's books get full."""
    if not (SHM.is_dir() and shutil.disk_usage(SHM).free > SHM_BYTES):
        yield tmp_path_factory.mktemp("postgres")
        return
    with tempfile.TemporaryDirectory(dir=SHM) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey of this test run."""
    with Valkey(tmp_path_factory.mktemp("valkey"), ports.choose(1)[0], durable=False) as server:
        yield server.url


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole platform, as `make up` starts it, on ports and servers of its own.

    Without a network for programs: nothing that a test makes up is to be resolved or reached for real.
    """
    with Stack(tmp_path_factory.mktemp("stack"), environ={"SHIPD_NETWORK": "off"}, durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 server of this test run; whoever uses it has a prefix of their own."""
    with S3(tmp_path_factory.mktemp("s3"), ports.choose(1)[0]) as server:
        yield server
