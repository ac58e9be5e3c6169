"""The execution cache among real workers: a regrade runs anew, and Redis away costs a run and nothing else."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from domain.ids import new_id
from domain.model import ExecutionCache
from domain.verdict import Verdict
from domain.views import ExecutionView
from standalone import ports
from standalone.servers import Valkey
from tests.integration.celery.conftest import Start
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet


@pytest.fixture
def program() -> str:
    """What it prints is another thing each time."""
    return f"import secrets; print(secrets.token_hex(8))  # {secrets.token_hex(8)}"


def use(execution: ExecutionView) -> ExecutionCache | None:
    assert execution.verdict is Verdict.OK
    assert execution.telemetry is not None
    return execution.telemetry.execution_cache


def output(execution: ExecutionView) -> bytes:
    [result] = execution.results
    assert result.stdout is not None
    return result.stdout.head


def test_the_second_time_nothing_is_run(fleet: Fleet, program: str) -> None:
    first, second = (fleet.done(fleet.submit_to_be_told_again(program)) for _ in range(2))
    assert (use(first), use(second)) == (ExecutionCache.MISS, ExecutionCache.HIT)
    assert output(first) == output(second)
    assert [result.cached for execution in (first, second) for result in execution.results] == [False, True]


def test_a_regrade_is_run_and_what_was_kept_stays(fleet: Fleet, program: str) -> None:
    submission_id = fleet.submit_to_be_told_again(program)
    first = fleet.done(submission_id)
    again = new_id()
    with fleet.db.transaction() as tx:
        tx.execute(
            "INSERT INTO executions (id, submission_id, priority, number) VALUES (%s, %s, 'normal', 2)",
            (again, submission_id),
        )
    fleet.send(again)
    regraded = fleet.done(submission_id)
    assert (regraded.number, use(regraded)) == (2, None)
    assert output(regraded) != output(first)
    assert output(fleet.done(fleet.submit_to_be_told_again(program))) == output(first)


@pytest.fixture
def alone(instead: Start, valkey: Valkey) -> ProcessContainer:
    """A worker whose Redis is away, though its broker is there; and no other."""
    nowhere = f"redis://127.0.0.1:{ports.choose(1)[0]}/0"
    return instead("alone", REDIS_URL=nowhere, BROKER_URL=valkey.url)


def test_redis_away_costs_a_run(calm: Fleet, alone: ProcessContainer, program: str) -> None:
    first, second = (calm.done(calm.submit_to_be_told_again(program)) for _ in range(2))
    assert (use(first), use(second)) == (ExecutionCache.MISS, ExecutionCache.MISS)
    assert output(first) != output(second)
    assert "execution_cache_unread" in alone.logs()


@pytest.fixture
def changed(instead: Start, environ: Mapping[str, str], tmp_path: Path) -> ProcessContainer:
    """A worker whose jails are configured otherwise, in words alone."""
    configs = shutil.copytree(environ["SHIPD_JAIL_CONFIGS"], tmp_path / "jail-configs")
    with (configs / "jail.cfg").open("a") as file:
        file.write("# the same, or not?\n")
    return instead("changed", SHIPD_JAIL_CONFIGS=str(configs))


def test_what_ran_in_other_jails_is_run_again(fleet: Fleet, program: str, request: pytest.FixtureRequest) -> None:
    first, second = (fleet.done(fleet.submit_to_be_told_again(program)) for _ in range(2))
    assert (use(first), use(second)) == (ExecutionCache.MISS, ExecutionCache.HIT)
    assert request.getfixturevalue("changed").ready()
    third, fourth = (fleet.done(fleet.submit_to_be_told_again(program)) for _ in range(2))
    assert (use(third), use(fourth)) == (ExecutionCache.MISS, ExecutionCache.HIT)
    assert len({output(execution) for execution in (first, second, third, fourth)}) == 2


@pytest.fixture
def without(instead: Start) -> ProcessContainer:
    """A worker that keeps nothing, and no other."""
    return instead("without", SHIPD_EXECUTION_CACHE_MB="0")


def test_where_it_is_switched_off_everything_is_run(calm: Fleet, without: ProcessContainer, program: str) -> None:
    del without
    first, second = (calm.done(calm.submit_to_be_told_again(program)) for _ in range(2))
    assert (use(first), use(second)) == (None, None)
    assert output(first) != output(second)
