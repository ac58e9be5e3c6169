"""Executions are sent where they can run, and sent elsewhere when nobody takes them there."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from domain import executions, hosts, stranded, submissions
from domain import router as router_module
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import InvalidRequest
from domain.host import HostReport
from domain.limits import Constraints
from domain.model import Priority, Submission
from domain.router import Router
from domain.views import SubmissionView
from tests.integration.conftest import HELLO
from workers.placing import Placing

Rows = Callable[..., list[Mapping[str, object]]]
Send = Callable[..., SubmissionView]
GIB = 2**30
HERE = HostReport("here", 2, 8 * GIB, root=True, languages={"python": "3"}, region="eu")
LARGE = Constraints(memory_mb=7000)
GONE = {
    "silent": "UPDATE hosts SET seen_at = now() - interval '1 min' WHERE region = 'eu'",
    "draining": "UPDATE hosts SET draining_at = now() WHERE region = 'eu'",
}


def _stand(db: Database, *names: str, region: str = "eu", **has: object) -> None:
    for name in names:
        hosts.report(db, replace(HERE, name=name, region=region, **has))  # type: ignore[arg-type] # any of them


@pytest.fixture
def router(db: Database) -> Router:
    return Router(db, home="eu")


@pytest.fixture
def send(db: Database, blobs: BlobStore, owner: UUID, router: Router) -> Send:
    def create(new: Submission = HELLO) -> SubmissionView:
        sent: list[tuple[UUID, str]] = []
        router.known.hosts(anew=True)
        made = submissions.create(
            db,
            blobs,
            new,
            owner_id=owner,
            submission_id=None,
            body_sha256=bytes(32),
            enqueue=lambda execution_id, name: sent.append((execution_id, name)),
            known=router.known,
            route=router.queue_of,
        )
        assert [one for one, _ in sent] == [made.execution.id]
        return made

    return create


def _queues(rows: Rows) -> list[object]:
    return [row["queue"] for row in rows("SELECT queue FROM executions ORDER BY id")]


def test_the_queue_is_written_with_the_execution(db: Database, send: Send, rows: Rows) -> None:
    _stand(db, "a", "b")
    _stand(db, "c", region="us")
    send()
    made = send(replace(HELLO, region="us"))
    assert _queues(rows) == ["eu.normal", "us.normal"]
    assert made.asked.region == "us"


def test_what_one_host_alone_can_hold_is_sent_to_it(db: Database, send: Send, rows: Rows) -> None:
    _stand(db, "small", memory_bytes=GIB)
    _stand(db, "large")
    send(replace(HELLO, constraints=LARGE))
    assert _queues(rows) == ["host.large.normal"]


def test_several_that_can_take_turns(db: Database, send: Send, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    # Counted anew, what was sent before weighs more than what is sent since: turns may be uneven then.
    monkeypatch.setattr(router_module, "QUEUED_S", 3600.0)
    _stand(db, "small", memory_bytes=GIB)
    _stand(db, "a", "b", "c")
    for _ in range(9):
        send(replace(HELLO, constraints=LARGE))
    assert sorted(map(str, _queues(rows))) == [f"host.{name}.normal" for name in "aaabbbccc"]


def test_a_region_that_nobody_knows_is_refused(db: Database, send: Send, rows: Rows) -> None:
    _stand(db, "a")
    with pytest.raises(InvalidRequest) as refused:
        send(replace(HELLO, region="mars"))
    assert [(one.field, "use eu" in one.hint) for one in refused.value.problems] == [("region", True)]
    assert _queues(rows) == []


def test_what_is_sent_later_is_decided_and_noted_then(db: Database, send: Send, router: Router, rows: Rows) -> None:
    _stand(db, "a")
    _stand(db, "b", region="us")
    made = send()
    rows("UPDATE hosts SET seen_at = now() - interval '1 min' WHERE name = 'a'")
    router.known.hosts(anew=True)
    placed = router.place([(made.execution.id, Priority.BULK), (UUID(int=1), Priority.BULK)])
    assert placed == [(made.execution.id, "us.bulk")]
    assert _queues(rows) == ["us.bulk"]


@pytest.mark.parametrize("gone", GONE)
def test_what_nobody_takes_is_moved_at_once_and_once(
    db: Database, send: Send, router: Router, rows: Rows, gone: str
) -> None:
    _stand(db, "a", "big")
    _stand(db, "b", "other", region="us")
    rows("UPDATE hosts SET memory_bytes = 1000000000 WHERE name IN ('a', 'b')")
    plain, large, asked = send(), send(replace(HELLO, constraints=LARGE)), send(replace(HELLO, region="us"))
    assert _queues(rows) == ["eu.normal", "host.big.normal", "us.normal"]
    assert stranded.move(db, router) == []

    rows(GONE[gone])

    moved = {plain.execution.id: "us.normal", large.execution.id: "host.other.normal"}
    assert dict(stranded.move(db, router)) == moved
    assert stranded.move(db, router) == []
    assert _queues(rows) == ["us.normal", "host.other.normal", "us.normal"]
    assert asked.execution.id not in moved


def test_what_the_previous_release_sent_is_moved_too(db: Database, send: Send, router: Router, rows: Rows) -> None:
    _stand(db, "old", region="default")
    made = send()
    rows("UPDATE executions SET queue = NULL")
    rows("UPDATE hosts SET seen_at = now() - interval '1 min'")
    _stand(db, "new", region="us")
    assert stranded.move(db, router) == [(made.execution.id, "us.normal")]


def test_what_nobody_else_can_run_stays(db: Database, send: Send, router: Router, rows: Rows) -> None:
    _stand(db, "a")
    send()
    rows("UPDATE hosts SET seen_at = now() - interval '1 min'")
    assert stranded.move(db, router) == []
    assert _queues(rows) == ["eu.normal"]


def test_a_claim_that_cannot_be_run_here_is_passed_on(
    db: Database, blobs: BlobStore, send: Send, router: Router, rows: Rows
) -> None:
    _stand(db, "able", languages={"python": "3", "go": "1"})
    made = send(replace(HELLO, language="go"))
    _stand(db, "here")
    router.known.hosts(anew=True)
    sent: list[tuple[UUID, str]] = []
    placing = Placing(db, router, HERE, lambda execution_id, name: sent.append((execution_id, name)))

    claim = executions.claim(db, blobs, made.execution.id, worker="here/1", lease_s=30)
    assert claim is not None
    assert placing.pass_on(claim)

    assert sent == [(made.execution.id, "host.able.normal")]
    assert rows("SELECT state, attempt, given_back, queue FROM executions") == [
        {"state": "queued", "attempt": 1, "given_back": 1, "queue": "host.able.normal"}
    ]


def test_what_no_other_can_run_either_waits_for_the_sweeper(
    db: Database, blobs: BlobStore, send: Send, router: Router, rows: Rows
) -> None:
    made = send(replace(HELLO, language="go"))
    _stand(db, "here")
    router.known.hosts(anew=True)
    placing = Placing(db, router, HERE, lambda *_: pytest.fail("it was sent"))
    claim = executions.claim(db, blobs, made.execution.id, worker="here/1", lease_s=30)
    assert claim is not None
    assert placing.pass_on(claim)
    assert rows("SELECT state, given_back, sent FROM executions") == [{"state": "queued", "given_back": 1, "sent": 2}]


def test_what_this_host_can_run_it_keeps(db: Database, blobs: BlobStore, send: Send, router: Router) -> None:
    made = send()
    claim = executions.claim(db, blobs, made.execution.id, worker="here/1", lease_s=30)
    assert claim is not None
    assert not Placing(db, router, HERE, lambda *_: pytest.fail("it was sent")).pass_on(claim)
