"""Two regions, each a worker: where executions go, and what becomes of them when a region is gone."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from domain import distances, hosts, queues, submissions
from domain.db import Database
from domain.hosts import Remembered
from domain.model import Expectation, File, Priority, Submission, TestCase
from domain.queue import tell_to_look
from domain.router import Router
from domain.settings import TREE
from domain.verdict import State, Verdict
from domain.views import ExecutionView
from tests.integration.celery.conftest import Start
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, jailed, sleeping
from tests.waiting import eventually

HEARTBEAT_S = 2
LIVE_S = 3 * HEARTBEAT_S
SOON = {"SHIPD_HEARTBEAT_S": str(HEARTBEAT_S), "SHIPD_REGION_DISTANCE": "eu:us=10"}
ONLY = "console.log('done')"


@dataclass(frozen=True)
class Regions:
    """What an API in the region `eu` does, with a worker there and one in `us`, which has JavaScript besides."""

    fleet: Fleet
    router: Router
    eu: ProcessContainer
    us: ProcessContainer

    def submit(
        self,
        source: str = sleeping(0),
        language: str = "python",
        region: str | None = None,
        *,
        queue: str | None = None,
    ) -> UUID:
        """Submit a program that must print `done`, and send it where it is best, or to a queue."""
        name = "main.py" if language == "python" else "main.js"
        new = Submission(
            language=language,
            sources=(File(name, source.encode()),),
            entry_point=name,
            test_cases=(TestCase(0, "only", expected=Expectation(stdout=b"done" if language == "python" else None)),),
            region=region,
        )
        made = submissions.create(
            self.fleet.db,
            self.fleet.blobs,
            new,
            owner_id=self.fleet.owner,
            submission_id=None,
            body_sha256=bytes(32),
            route=self.router.queue_of if queue is None else lambda _: queue,
            enqueue=self.fleet.send,
        )
        return made.id

    def ran_in(self, submission: UUID) -> str | None:
        """Wait for its end, and say in which region it ran."""
        execution = self.fleet.done(submission)
        assert execution.verdict in {Verdict.AC, Verdict.OK}
        return _region(execution)

    def live(self) -> set[str]:
        """Say which regions have a live host."""
        found = {one.report.region for one in hosts.known(self.fleet.db, LIVE_S) if one.live}
        return found & {"eu", "us"}


def _region(execution: ExecutionView) -> str | None:
    return execution.telemetry.region if execution.telemetry is not None else None


@pytest.fixture(scope="module")
def both(host: Start, folder: Path) -> Iterator[tuple[ProcessContainer, ProcessContainer]]:
    """A worker in each region, and a sweeper that finds soon who is gone."""
    more = folder / "with-javascript"
    shutil.copytree(folder / "jail-configs", more)
    shutil.copy(TREE / "jail-configs" / "languages" / "javascript.toml", more / "languages")
    made = list[ProcessContainer]()
    for name, *words, own in (
        ("eu-1", {}),
        ("us-1", {"SHIPD_REGION": "us", "SHIPD_JAIL_CONFIGS": str(more)}),
        ("near-sweeper", "beat", {}),
    ):
        made.append(host(name, *words, **{"SHIPD_REGION": "eu", **SOON, **own}))
        made[-1].ready()
    yield made[0], made[1]
    for container in made:
        container.teardown()


@pytest.fixture
def regions(calm: Fleet, db: Database, both: tuple[ProcessContainer, ProcessContainer]) -> Regions:
    eu, us = both
    for container in both:
        if container.status != "running":
            container.start()
        container.ready()
    known = Remembered(db, LIVE_S)
    found = Regions(calm, Router(db, known, home="eu", distances=distances.parse(["eu:us=10"])), eu, us)
    eventually(lambda: found.live() == {"eu", "us"})
    known.hosts(anew=True)
    return found


def test_it_runs_in_ones_own_region_or_where_it_was_asked_to(regions: Regions) -> None:
    own, asked = regions.submit(), regions.submit(region="us")
    assert (regions.ran_in(own), regions.ran_in(asked)) == ("eu", "us")
    execution = regions.fleet.execution(asked)
    assert execution.telemetry is not None
    assert execution.telemetry.host == "us-1"


def test_a_language_that_only_one_host_has_is_run_by_that_one(regions: Regions) -> None:
    assert regions.ran_in(regions.submit(ONLY, "javascript")) == "us"
    assert regions.ran_in(regions.submit(ONLY, "javascript", region="eu")) == "us"


def test_who_cannot_run_what_it_took_passes_it_on_and_nothing_counts(regions: Regions) -> None:
    submission = regions.submit(ONLY, "javascript", queue="eu.normal")  # as of a sender that knew no better
    assert regions.ran_in(submission) == "us"
    with regions.fleet.db.statement() as tx:
        row = tx.execute("SELECT attempt, given_back, queue FROM executions").fetchone()
    assert row == (2, 1, "us.normal")


def test_a_pause_holds_in_all_regions(regions: Regions) -> None:
    names = ["eu-1", "us-1"]
    try:
        queues.pause(regions.fleet.db, Priority.NORMAL)
        eventually(lambda: tell_to_look(regions.fleet.celery, names) == 2)
        eventually(lambda: all("queue_paused" in worker.logs() for worker in (regions.eu, regions.us)))
        waiting = [regions.submit(), regions.submit(region="us"), regions.submit(ONLY, "javascript")]
    finally:
        queues.resume(regions.fleet.db, Priority.NORMAL)
        eventually(lambda: tell_to_look(regions.fleet.celery, names) == 2)
    assert [regions.ran_in(one) for one in waiting] == ["eu", "us", "us"]


def test_a_region_that_is_killed_is_left_and_used_again_when_it_is_back(regions: Regions) -> None:
    at_work = regions.submit(sleeping(5))
    regions.fleet.running(at_work, regions.eu)
    waiting = [regions.submit() for _ in range(3)]
    regions.eu.kill_all()
    assert {regions.ran_in(one) for one in waiting} == {"us"}
    regions.router.known.hosts(anew=True)
    assert regions.ran_in(regions.submit()) == "us"
    assert regions.ran_in(at_work) == "us"
    regions.eu.start()
    regions.eu.ready()
    eventually(lambda: regions.live() == {"eu", "us"})
    regions.router.known.hosts(anew=True)
    assert regions.ran_in(regions.submit()) == "eu"
    assert not jailed(regions.us)
    assert regions.fleet.execution(at_work).state is State.DONE
