"""Whatever a worker is about when its execution is cancelled, it ends, and nothing of it is left.

Leases last an hour here where nothing else is said: only the word over Redis can end anything in time.
"""

import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep
from uuid import UUID

import psutil
import pytest
from pytest_celery import CeleryTestBroker

from app.domain_backend import DomainBackend
from domain import cancel as cancels
from domain.cancelling import Cancellations
from domain.model import File, Submission, TestCase
from domain.settings import TREE, Settings
from domain.verdict import State, Verdict
from tests.integration.celery.conftest import Start
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, gone, groups_of_runs, jailed, sleeping
from tests.waiting import eventually

HOUR = "3600"
SPIN = "import time\nended = time.monotonic() + {seconds}\nwhile time.monotonic() < ended: pass\nprint('done')"
# Sixteen to the power of eight copies of a word.
BOMB = b"""
#define A(x) x x x x x x x x x x x x x x x x
#define B(x) A(A(x))
#define C(x) B(B(x))
#define D(x) C(C(x))
const char *word = D("x");
int main(void) { return 0; }
"""
SHORT = b'#include <stdio.h>\nint main(void) { for (volatile int n = 0; n < 30000000; n++); puts("done"); return 0; }'
ROUNDS = 20
SPUN_S = 0.2
"""No interpreter takes so long to start."""
Cancel = Callable[[UUID], None]


@pytest.fixture
def cancel(owner: UUID, environ: Mapping[str, str]) -> Cancel:
    """What DELETE does."""
    backend = DomainBackend(Settings.from_environment(environ))

    def end(submission_id: UUID) -> None:
        assert backend.cancel(submission_id, owner).execution.state.final

    return end


@pytest.fixture
def with_c(folder: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The setting with which a worker knows C, too."""
    configs = folder / "jail-configs-with-c"
    if not configs.exists():
        shutil.copytree(environ["SHIPD_JAIL_CONFIGS"], configs)
        shutil.copy(TREE / "jail-configs" / "languages" / "c.toml", configs / "languages")
    return {"SHIPD_JAIL_CONFIGS": str(configs)}


@pytest.fixture
def patient(instead: Start, with_c: Mapping[str, str]) -> ProcessContainer:
    """A worker of one slot that would not look for an hour."""
    return instead("patient", SHIPD_LEASE_S=HOUR, **with_c)


@pytest.fixture
def patient_pair(instead: Start, with_c: Mapping[str, str]) -> ProcessContainer:
    """One of two slots in which jails stand ready."""
    return instead("pair", SHIPD_LEASE_S=HOUR, SHIPD_SLOTS="2", SHIPD_POOL_MB="64", **with_c)


def in_c(source: bytes, cases: int = 1) -> Submission:
    return Submission("c", (File("main.c", source),), None, tuple(TestCase(n, str(n)) for n in range(cases)))


def busy(worker: ProcessContainer) -> list[psutil.Process]:
    """The jailed programs that spin, in jails within jails too: those that only stand ready have not come that far."""
    found = set()
    for launched in jailed(worker):
        try:
            below = [launched, *launched.children(recursive=True)]
            found |= {process for process in below if process.cpu_times().user > SPUN_S}
        except psutil.NoSuchProcess:
            continue
    return list(found)


def test_what_runs_compiles_or_waits_is_ended(calm: Fleet, patient: ProcessContainer, cancel: Cancel) -> None:
    running = calm.submit(sleeping(300))
    calm.running(running, patient)
    programs = jailed(patient)
    waiting = calm.submit("while True: pass")

    cancel(waiting)
    cancel(running)

    eventually(lambda: gone(programs))
    compiling = calm.create(in_c(BOMB))
    eventually(lambda: calm.execution(compiling).state is State.COMPILING)
    compilers = eventually(lambda: jailed(patient))

    cancel(compiling)

    eventually(lambda: gone(compilers))
    assert calm.done(calm.submit(sleeping(0))).verdict is Verdict.AC  # the slot is free
    for submission, attempt in ((running, 1), (waiting, 0), (compiling, 1)):
        execution = calm.execution(submission)
        assert (execution.state, execution.verdict, execution.attempt) == (State.CANCELLED, None, attempt)
        assert (execution.results, execution.compile_output) == ((), None)
    assert not groups_of_runs(patient)


def test_test_cases_in_all_slots_are_ended_and_those_that_were_done_stay(
    calm: Fleet, patient_pair: ProcessContainer, cancel: Cancel
) -> None:
    source = "if int(input()) < 3:\n    print('done')\nelse:\n    while True: pass"
    for _ in range(3):  # in jails made for it, in those that stand ready, and in one within another
        submission = calm.submit_many(source, 10)
        eventually(lambda: len(busy(patient_pair)) >= 2)
        programs = busy(patient_pair)

        cancel(submission)

        eventually(lambda programs=programs: gone(programs))  # type: ignore[misc] # of this round
        assert calm.done(calm.submit(sleeping(0))).verdict is Verdict.AC
        execution = calm.execution(submission)
        assert (execution.state, execution.verdict) == (State.CANCELLED, None)
        verdicts = [result.verdict for result in execution.results]
        assert verdicts == [Verdict.OK] * len(verdicts)
        assert len(verdicts) <= 3
        assert not busy(patient_pair)
    at_whatever_moment_it_comes_there_is_one_end(calm, patient_pair, cancel)


def at_whatever_moment_it_comes_there_is_one_end(fleet: Fleet, worker: ProcessContainer, cancel: Cancel) -> None:
    dice = random.Random(16)  # noqa: S311 - the same moments each time, no secret
    ended: list[UUID] = []
    for number in range(ROUNDS):
        if number % 2:
            submission = fleet.create(in_c(SHORT + b"// %d" % number, 4))
        else:
            submission = fleet.submit_many(SPIN.format(seconds=0.05), 4)
        sleep(dice.uniform(0, 0.6))  # the moment is what this is about
        cancel(submission)
        ended.append(submission)

    before = [fleet.execution(submission) for submission in ended]
    assert fleet.done(fleet.submit(sleeping(0))).verdict is Verdict.AC
    eventually(lambda: not busy(worker))

    assert [fleet.execution(submission) for submission in ended] == before
    assert all((seen.state is State.DONE) == (seen.verdict is not None) for seen in before)
    assert {State.CANCELLED} <= {seen.state for seen in before} <= {State.CANCELLED, State.DONE}
    processes = worker.children()
    worker.kill("SIGTERM")
    assert worker.wait() == 0
    assert gone(processes)
    assert not groups_of_runs(worker)


def test_without_redis_the_next_renewal_finds_out(
    fleet: Fleet, worker: ProcessContainer, celery_broker: CeleryTestBroker
) -> None:
    submission = fleet.submit(sleeping(300))
    fleet.running(submission, worker)
    programs = jailed(worker)
    celery_broker.container.kill()

    assert len(cancels.submission(fleet.db, submission, None)) == 1

    eventually(lambda: gone(programs))
    celery_broker.container.start()
    celery_broker.container.ready()
    execution = fleet.execution(submission)
    assert (execution.state, execution.verdict) == (State.CANCELLED, None)


def test_a_word_that_nobody_had_the_right_to_say_ends_nothing(
    fleet: Fleet, worker: ProcessContainer, environ: Mapping[str, str]
) -> None:
    submission = fleet.submit(sleeping(5))
    fleet.running(submission, worker)
    execution_id = fleet.execution(submission).id
    with fleet.db.statement() as tx:
        (holder,) = tx.execute("SELECT worker FROM executions WHERE id = %s", (execution_id,)).fetchone() or (None,)
    words = Cancellations(environ["REDIS_URL"])

    for _ in range(20):
        words.tell(str(holder), execution_id)

    done = fleet.done(submission)
    assert (done.verdict, done.attempt) == (Verdict.AC, 1)
    words.close()
