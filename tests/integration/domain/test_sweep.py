from collections.abc import Callable, Mapping
from uuid import UUID

import pytest

from domain import executions, hosts, submissions
from domain import sweep as sweep_module
from domain.blobs import BlobStore
from domain.db import Database
from domain.host import HostReport
from domain.limits import Constraints
from domain.model import Claim, File, Priority, Submission, TestCase
from domain.verdict import State, Verdict
from domain.views import ExecutionView, SubmissionView
from tests.integration.domain.graded import RESULT

Take = Callable[..., Claim]
Submit = Callable[..., SubmissionView]
Rows = Callable[..., list[Mapping[str, object]]]
Swept = list[tuple[UUID, Priority]]
Sweep = Callable[..., Swept]

HOST = HostReport("host-1", cpus=2, memory_bytes=2**30, root=False, languages={"python": "3.11"})


@pytest.fixture
def sweep(db: Database) -> Sweep:
    def run(
        message_lost_s: int = 30,
        max_attempts: int = 3,
        no_host_s: int = 600,
        finished: Callable[[UUID, str], None] | None = None,
    ) -> Swept:
        return executions.sweep(
            db, message_lost_s=message_lost_s, max_attempts=max_attempts, no_host_s=no_host_s, finished=finished
        )

    return run


@pytest.fixture
def read(db: Database, blobs: BlobStore) -> Callable[[SubmissionView], ExecutionView]:
    return lambda view: submissions.get(db, blobs, view.id, None).execution


Read = Callable[[SubmissionView], ExecutionView]


def _later(rows: Rows, seconds: int) -> None:
    """Let everything have been queued and sent this long ago."""
    rows(
        "UPDATE executions SET queued_at = queued_at - make_interval(secs => %s),"
        " sent_at = sent_at - make_interval(secs => %s)",
        seconds,
        seconds,
    )


def test_it_leaves_alone_what_is_well(submit: Submit, take: Take, sweep: Sweep, read: Read) -> None:
    waiting, running = submit(), submit()
    take(running)

    assert sweep() == []
    assert (read(waiting).state, read(running).state) == (State.QUEUED, State.PREPARING)


def test_it_sends_again_what_was_queued_long_ago(submit: Submit, sweep: Sweep, rows: Rows) -> None:
    view = submit()
    _later(rows, 31)

    assert sweep() == [(view.execution.id, Priority.NORMAL)]
    assert sweep() == []


def test_it_sends_again_less_and_less_often(submit: Submit, sweep: Sweep, rows: Rows) -> None:
    submit()

    waited = 0
    times = []
    for _ in range(100):
        _later(rows, 15)
        waited += 15
        if sweep(no_host_s=3600):
            times.append(waited)
            waited = 0

    assert times == [30, 60, 120, 240, 240, 240, 240, 240]


def test_it_requeues_what_a_dead_worker_had_claimed(
    submit: Submit, take: Take, sweep: Sweep, read: Read, expire: Callable[[], None]
) -> None:
    view = submit()
    take(view)
    expire()

    assert sweep() == [(view.execution.id, Priority.NORMAL)]
    assert read(view).state is State.QUEUED
    assert sweep() == []
    assert take(view, worker="worker-2").attempt == 2


def test_it_ends_what_used_up_its_attempts(
    db: Database, blobs: BlobStore, submit: Submit, take: Take, sweep: Sweep, read: Read, expire: Callable[[], None]
) -> None:
    view = submit()
    for _ in range(3):
        assert read(view).state is State.QUEUED
        executions.record(db, blobs, take(view), [RESULT])
        expire()
        sweep()

    ended = read(view)
    assert (ended.state, ended.verdict, ended.reason) == (State.DONE, Verdict.JE, "attempts")
    assert ended.finished_at is not None
    assert ended.usage == RESULT.usage
    assert sweep() == []


def test_it_tells_of_what_it_ended_after_the_commit(
    db: Database, submit: Submit, take: Take, sweep: Sweep, expire: Callable[[], None]
) -> None:
    view = submit()
    take(view)
    expire()
    told: list[tuple[UUID, str, State]] = []

    sweep(max_attempts=1, finished=lambda ended, why: told.append((ended, why, submissions.state_of(db, ended))))

    assert told == [(view.execution.id, "attempts", State.DONE)]


def test_a_worker_at_work_is_left_alone_whatever_its_attempt(
    submit: Submit, take: Take, sweep: Sweep, read: Read
) -> None:
    view = submit()
    take(view)

    assert sweep(max_attempts=1) == []
    assert read(view).state is State.PREPARING


def test_many_sweepers_at_once_hand_out_everything_once(
    submit: Submit,
    take: Take,
    sweep: Sweep,
    expire: Callable[[], None],
    rows: Rows,
    at_once: Callable[..., list[Swept]],
) -> None:
    views = [submit() for _ in range(40)]
    for view in views[:20]:
        take(view)
    expire()
    _later(rows, 31)

    swept = at_once(6, lambda _: sweep())

    handed_out = [execution_id for some in swept for execution_id, _ in some]
    assert sorted(handed_out) == sorted(view.execution.id for view in views)


def _needs(language: str = "python", constraints: Constraints = Constraints()) -> Submission:  # noqa: B008 - it is frozen
    return Submission(language, (File("main.py", b""),), "main.py", (TestCase(0, "run"),), constraints=constraints)


@pytest.fixture
def server_is_old(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL was started before anything in the test was queued, however far back that is set."""
    as_if_old = sweep_module._NO_HOST.replace("pg_postmaster_start_time()", "'epoch'::timestamptz")
    monkeypatch.setattr(sweep_module, "_NO_HOST", as_if_old)


@pytest.mark.usefixtures("server_is_old")
@pytest.mark.parametrize(
    "new",
    [
        _needs("cobol"),
        _needs("python@3.11", Constraints(memory_mb=2000)),
        _needs(constraints=Constraints(cpu_millicores=2001)),
        _needs(constraints=Constraints(disk_mb=200)),
    ],
    ids=["language", "memory", "cpus", "disk"],
)
def test_it_ends_what_no_live_host_can_hold(
    db: Database, submit: Submit, sweep: Sweep, read: Read, rows: Rows, new: Submission
) -> None:
    view = submit(new)
    hosts.report(db, HOST)

    _later(rows, 590)
    sweep()
    assert read(view).state is State.QUEUED

    _later(rows, 11)
    assert sweep() == []
    ended = read(view)
    assert (ended.state, ended.verdict, ended.reason) == (State.DONE, Verdict.JE, "no_host")


@pytest.mark.usefixtures("server_is_old")
@pytest.mark.parametrize(
    "new",
    [
        _needs(),
        _needs("python@3.11", Constraints(memory_mb=1024)),
        _needs(constraints=Constraints(cpu_millicores=2000)),
        _needs(constraints=Constraints(disk_mb=128)),
    ],
    ids=["language", "memory", "cpus", "disk"],
)
def test_what_a_live_host_can_hold_waits_for_its_turn(
    db: Database, submit: Submit, sweep: Sweep, read: Read, rows: Rows, new: Submission
) -> None:
    view = submit(new)
    hosts.report(db, HOST)
    _later(rows, 100_000)

    sweep()

    assert read(view).state is State.QUEUED


@pytest.mark.usefixtures("server_is_old")
def test_the_time_without_a_host_counts_from_when_the_last_one_was_seen(
    db: Database, submit: Submit, sweep: Sweep, read: Read, rows: Rows
) -> None:
    view = submit()
    hosts.report(db, HOST)
    _later(rows, 100_000)
    rows("UPDATE hosts SET seen_at = now() - interval '500 s'")

    sweep()
    assert read(view).state is State.QUEUED

    rows("UPDATE hosts SET seen_at = now() - interval '601 s'")
    sweep()
    assert read(view).reason == "no_host"


def test_the_time_that_the_database_was_down_does_not_count(
    submit: Submit, sweep: Sweep, read: Read, rows: Rows
) -> None:
    view = submit()
    _later(rows, 100_000)
    [server] = rows("SELECT extract(epoch FROM now() - pg_postmaster_start_time())::int AS age_s")

    sweep(no_host_s=int(str(server["age_s"])) + 60)

    assert read(view).state is State.QUEUED
    sweep(no_host_s=0)
    assert read(view).reason == "no_host"
