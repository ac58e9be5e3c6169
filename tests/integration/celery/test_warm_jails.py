"""Jails that stand ready end with whoever keeps them, and whoever comes after has none of them."""

import pytest

from domain.verdict import Verdict
from tests.integration.celery.conftest import Start
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, gone, groups_of_runs, jailed, pool
from tests.waiting import eventually

HELLO = "print(input())"


@pytest.fixture
def fleet(calm: Fleet) -> Fleet:
    """All but the usual worker."""
    return calm


@pytest.fixture
def warm(instead: Start) -> ProcessContainer:
    """A worker of one slot that keeps jails standing, and no other."""
    return instead("warm", SHIPD_POOL_MB="64")


def modes(fleet: Fleet) -> list[str | None]:
    """Have something graded, and say how its jails were made."""
    execution = fleet.done(fleet.submit_many(HELLO, 5))
    assert execution.verdict is Verdict.OK
    return [result.telemetry.mode if result.telemetry else None for result in execution.results]


def test_they_are_made_for_what_was_asked_for(fleet: Fleet, warm: ProcessContainer) -> None:
    modes(fleet)
    eventually(lambda: set(modes(fleet)) == {"inner"})


@pytest.mark.parametrize("whole", [False, True], ids=["process", "worker"])
def test_nothing_of_them_outlives_who_keeps_them(fleet: Fleet, warm: ProcessContainer, whole: bool) -> None:
    modes(fleet)
    standing = eventually(lambda: jailed(warm)) and warm.children()
    keeper = pool(warm)
    if whole:
        warm.kill_all()
    else:
        keeper.kill()
    eventually(lambda: gone([one for one in standing if one.pid != warm.pid]))
    if whole:
        warm.restart()
    assert None not in modes(fleet)


def test_they_end_with_a_worker_that_is_told_to_stop(fleet: Fleet, warm: ProcessContainer) -> None:
    modes(fleet)
    standing = eventually(lambda: jailed(warm)) and warm.children()
    warm.kill("SIGTERM")
    assert warm.wait() == 0
    assert gone(standing)
    assert not groups_of_runs(warm)
