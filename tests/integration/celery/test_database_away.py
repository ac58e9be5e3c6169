"""PostgreSQL may be restarted at any time: what was found meanwhile is recorded when it is back."""

from domain.verdict import Verdict
from standalone.servers import Postgres
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, gone, jailed, sleeping
from tests.waiting import eventually


def test_a_result_found_while_the_database_was_away_is_recorded(
    fleet: Fleet, worker: ProcessContainer, postgres: Postgres
) -> None:
    submission = fleet.submit(sleeping(0.5))
    fleet.running(submission, worker)
    programs = jailed(worker)
    postgres.stop()
    eventually(lambda: gone(programs))
    postgres.start()
    execution = fleet.done(submission)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 1, 1)
