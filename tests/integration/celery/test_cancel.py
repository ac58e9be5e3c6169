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

from app.backend import DomainBackend
from domain import executions
from domain.model import File, Submission, TestCase
from domain.settings import TREE, Settings
from domain.verdict import State, Verdict
from tests.integration.celery.conftest import Start
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, eventually, gone, groups_of_runs, jailed, sleeping

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
ROUNDS = 30
Cancel = Callable[[UUID], None]


@pytest.fixture
def cancel(fleet: Fleet, environ: Mapping[str, str]) -> Cancel:
    """What DELETE does."""
    backend = DomainBackend(Settings.from_environment(environ))

    def end(submission_id: UUID) -> None:
        assert backend.cancel(submission_id, fleet.owner).execution.state.final

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
    """The jailed programs that use a CPU: those that only stand ready do not."""
    found = []
    for process in jailed(worker):
        try:
            if process.status() == psutil.STATUS_RUNNING:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def is_over(fleet: Fleet, submission_id: UUID) -> bool:
    """Whether it is cancelled, has no verdict, and nobody holds it."""
    execution = fleet.execution(submission_id)
    return (execution.state, execution.verdict) == (State.CANCELLED, None)


def test_a_running_jail_is_ended_and_its_slot_is_free(fleet: Fleet, patient: ProcessContainer, cancel: Cancel) -> None:
    submission = fleet.submit(sleeping(300))
    fleet.running(submission, patient)
    programs = jailed(patient)

    cancel(submission)

    eventually(lambda: gone(programs))
    assert fleet.done(fleet.submit(sleeping(0))).verdict is Verdict.AC
    assert is_over(fleet, submission)
    assert fleet.execution(submission).results == ()
    assert not groups_of_runs(patient)


def test_a_compiler_is_ended(fleet: Fleet, patient: ProcessContainer, cancel: Cancel) -> None:
    submission = fleet.create(in_c(BOMB))
    eventually(lambda: fleet.execution(submission).state is State.COMPILING)
    compilers = eventually(lambda: jailed(patient))

    cancel(submission)

    eventually(lambda: gone(compilers))
    assert fleet.done(fleet.submit(sleeping(0))).verdict is Verdict.AC
    assert is_over(fleet, submission)
    assert fleet.execution(submission).compile_output is None
    assert not groups_of_runs(patient)


def test_what_waits_is_never_run(fleet: Fleet, patient: ProcessContainer, cancel: Cancel) -> None:
    running = fleet.submit(sleeping(300))
    fleet.running(running, patient)
    waiting = fleet.submit("while True: pass")

    cancel(waiting)
    cancel(running)

    assert fleet.done(fleet.submit(sleeping(0))).verdict is Verdict.AC
    assert fleet.execution(waiting).attempt == 0
    assert is_over(fleet, waiting)


def test_test_cases_in_all_slots_are_ended_and_those_that_were_done_stay(
    fleet: Fleet, patient_pair: ProcessContainer, cancel: Cancel
) -> None:
    source = "if int(input()) < 3:\n    print('done')\nelse:\n    while True: pass"
    submission = fleet.submit_many(source, 10)
    eventually(lambda: len(busy(patient_pair)) == 2)
    programs = busy(patient_pair)

    cancel(submission)

    eventually(lambda: gone(programs))
    assert fleet.done(fleet.submit(sleeping(0))).verdict is Verdict.AC
    assert is_over(fleet, submission)
    assert [result.verdict for result in fleet.execution(submission).results] in ([], [Verdict.OK] * 3)
    assert not busy(patient_pair)


def test_at_whatever_moment_it_comes_there_is_one_end(
    fleet: Fleet, patient_pair: ProcessContainer, cancel: Cancel
) -> None:
    dice = random.Random(16)  # noqa: S311 - the same moments each time, no secret
    ended: list[UUID] = []
    for number in range(ROUNDS):
        if number % 2:
            submission = fleet.create(in_c(SHORT + b"// %d" % number, 4))
        else:
            submission = fleet.submit_many(SPIN.format(seconds=0.05), 4)
        sleep(dice.uniform(0, 0.8))  # the moment is what the test is about
        cancel(submission)
        ended.append(submission)
        seen = fleet.execution(submission)
        assert (seen.state is State.DONE) == (seen.verdict is not None)

    before = [fleet.execution(submission) for submission in ended]
    assert fleet.done(fleet.submit(sleeping(0))).verdict is Verdict.AC
    eventually(lambda: not busy(patient_pair))

    assert [fleet.execution(submission) for submission in ended] == before
    assert {seen.state for seen in before} <= {State.CANCELLED, State.DONE}
    assert State.CANCELLED in {seen.state for seen in before}
    processes = patient_pair.children()
    patient_pair.kill("SIGTERM")
    assert patient_pair.wait() == 0
    assert gone(processes)
    assert not groups_of_runs(patient_pair)


def test_without_redis_the_next_renewal_finds_out(
    fleet: Fleet, worker: ProcessContainer, celery_broker: CeleryTestBroker
) -> None:
    submission = fleet.submit(sleeping(300))
    fleet.running(submission, worker)
    programs = jailed(worker)
    celery_broker.container.kill()

    assert len(executions.cancel(fleet.db, submission, None)) == 1

    eventually(lambda: gone(programs))
    celery_broker.container.start()
    celery_broker.container.ready()
    assert is_over(fleet, submission)


def test_a_word_that_nobody_had_the_right_to_say_ends_nothing(
    fleet: Fleet, patient: ProcessContainer, environ: Mapping[str, str]
) -> None:
    submission = fleet.submit(sleeping(1))
    fleet.running(submission, patient)
    execution = fleet.execution(submission)
    backend = DomainBackend(Settings.from_environment(environ))
    with fleet.db.statement() as tx:
        [worker] = tx.execute("SELECT worker FROM executions WHERE id = %s", (execution.id,)).fetchone() or (None,)

    for _ in range(20):
        backend._cancellations.tell(str(worker), execution.id)

    done = fleet.done(submission)
    assert (done.verdict, done.attempt) == (Verdict.AC, 1)
