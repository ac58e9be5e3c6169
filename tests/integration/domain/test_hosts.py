from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from domain import hosts
from domain.db import Database
from domain.errors import InvalidRequest
from domain.host import HostReport
from domain.hosts import StoreDiffers
from domain.limits import Constraints
from domain.model import File, Submission, TestCase
from domain.views import SubmissionView
from tests.waiting import eventually

HOST = HostReport(
    name="host-1",
    cpus=2,
    memory_bytes=1024**3,
    root=False,
    languages={"python": "3.11.2", "c": "12.2"},
    missing={"go": "apt-get install -y golang"},
    network=True,
)


def test_it_works(db: Database) -> None:
    hosts.report(db, HOST)

    (known,) = hosts.known(db)
    assert known.report == HOST
    assert known.live


def test_a_new_report_replaces_the_old(db: Database) -> None:
    hosts.report(db, HOST)
    hosts.report(db, replace(HOST, cpus=8, missing={}))

    assert [known.report for known in hosts.known(db)] == [replace(HOST, cpus=8, missing={})]


def test_a_host_that_is_silent_is_not_live_until_it_is_heard_again(db: Database, rows: Callable[..., object]) -> None:
    hosts.report(db, HOST)
    rows("UPDATE hosts SET seen_at = now() - interval '61 s'")

    assert [host.live for host in hosts.known(db)] == [False]
    assert hosts.heartbeat(db, "host-1")
    assert [host.live for host in hosts.known(db)] == [True]


def test_an_unknown_host_must_report_first(db: Database) -> None:
    assert not hosts.heartbeat(db, "host-1")
    assert hosts.known(db) == []


def test_the_languages_of_live_hosts_are_available(db: Database, rows: Callable[..., object]) -> None:
    hosts.report(db, replace(HOST, name="gone", languages={"cobol": "1"}))
    rows("UPDATE hosts SET seen_at = now() - interval '1 hour'")
    hosts.report(db, HOST)
    hosts.report(db, replace(HOST, name="host-2", languages={"python": "3.13.1"}))

    assert hosts.availability(db) == {"c": "12.2", "python": "3.11.2, 3.13.1"}


def _needs(language: str = "python", **constraints: int) -> Submission:
    limits = Constraints(**constraints)  # type: ignore[arg-type]
    return Submission(language, (File("main.py", b""),), "main.py", (TestCase(0, "run"),), constraints=limits)


TOO_MUCH = [
    (_needs(memory_mb=1025), "constraints.memory_mb"),
    (_needs(cpu_millicores=2001), "constraints.cpu_millicores"),
    (_needs(disk_mb=129), "constraints.disk_mb"),
    (_needs("go@1.22"), "language"),
]


@pytest.mark.parametrize(("new", "field"), TOO_MUCH)
def test_a_submission_that_no_host_ever_had_room_for_is_refused(
    db: Database, submit: Callable[..., SubmissionView], rows: Callable[..., object], new: Submission, field: str
) -> None:
    hosts.report(db, HOST)
    rows("UPDATE hosts SET seen_at = now() - interval '1 hour'")

    with pytest.raises(InvalidRequest) as refused:
        submit(new)

    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize("new", [new for new, _ in TOO_MUCH])
def test_it_is_accepted_while_no_host_ever_reported(submit: Callable[..., SubmissionView], new: Submission) -> None:
    submit(new)


def test_what_hosts_reported_is_remembered_for_a_moment(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "REMEMBERED_S", 60)
    known = hosts.Remembered(db)
    assert known.reports() == []
    said = HostReport("host-1", 2, 2**34, root=True, languages={"python": "3.11"})
    hosts.report(db, said)

    assert known.reports() == []
    assert known.reports(anew=True) == [said]
    assert known.reports() == [said]


def test_live_hosts_share_one_store(db: Database, rows: Callable[..., object]) -> None:
    hosts.report(db, replace(HOST, blob_store="folder a"))
    hosts.report(db, replace(HOST, name="host-2", blob_store="folder a"))
    hosts.report(db, replace(HOST, name="of the previous release"))

    with pytest.raises(StoreDiffers, match="'folder b', but host-1, which is alive, has them in 'folder a'"):
        hosts.report(db, replace(HOST, name="host-3", blob_store="folder b"))
    with pytest.raises(StoreDiffers):
        hosts.refuse_other_store(db, "host-3", "s3://bucket")
    hosts.refuse_other_store(db, "host-3", "folder a")
    assert "host-3" not in {host.report.name for host in hosts.known(db)}

    # One leaves in order, and the other has not been heard of for long.
    hosts.leave(db, "host-1")
    rows("UPDATE hosts SET seen_at = now() - interval '2 minutes' WHERE name = 'host-2'")
    hosts.report(db, replace(HOST, name="host-3", blob_store="folder b"))


def test_of_two_that_come_at_once_with_other_stores_the_second_sees_the_first(db: Database) -> None:
    with ThreadPoolExecutor(1) as thread:
        with db.transaction() as tx:
            tx.execute("SELECT pg_advisory_xact_lock(%s)", (hosts._ONE_STORE,))  # as the first has it
            second = thread.submit(hosts.report, db, replace(HOST, name="second", blob_store="folder b"))
            waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            eventually(lambda: second.done() or tx.execute(waits).fetchone() is not None)
            tx.execute(
                "INSERT INTO hosts (name, cpus, memory_bytes, root, languages, missing, blob_store)"
                " VALUES ('first', 1, 1, true, '{}', '{}', 'folder a')"
            )
        with pytest.raises(StoreDiffers):
            second.result(timeout=30)
