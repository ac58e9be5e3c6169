"""PostgreSQL may be restarted at any time: what was found meanwhile is recorded when it is back."""

from domain.verdict import Verdict
from standalone.servers import Postgres
from tests.integration.celery.conftest import Start
from tests.integration.celery.fleet import Fleet, gone, jailed, sleeping
from tests.waiting import eventually


def test_a_result_found_while_the_database_was_away_is_recorded(
    calm: Fleet, instead: Start, postgres: Postgres
) -> None:
    # For so long it also tries to record what it found. A connection is made anew a second or three after the first try
    # failed; the sweeper's may be sooner, and would have another attempt made of a lease that is over.
    worker = instead("remembers", SHIPD_LEASE_S="30")
    submission = calm.submit(sleeping(5))
    calm.running(submission, worker)
    programs = jailed(worker)
    postgres.stop()
    eventually(lambda: gone(programs))
    postgres.start()
    execution = calm.done(submission)
    assert (execution.verdict, execution.attempt, len(execution.results)) == (Verdict.AC, 1, 1)
