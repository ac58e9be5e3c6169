"""`shipd hosts` against a real PostgreSQL: standing, draining, forgetting and advice."""

import json
import time
from collections.abc import Callable, Mapping

import pytest
from click.testing import Result

from app.cli_advise import bars
from domain import audit, demand, draining, executions, hosts, queue
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Conflict, NotFound
from domain.host import HostLoad, HostReport
from domain.hosts import Standing
from domain.views import SubmissionView

Run = Callable[..., Result]
Rows = Callable[..., list[Mapping[str, object]]]
Submit = Callable[..., SubmissionView]
LOAD = HostLoad(slots_busy=1, load_1m=0.5, ready={"python": 2}, executions=9, failures=3)


def _report(db: Database, name: str, region: str = "default", slots: int = 2) -> None:
    hosts.report(db, HostReport(name, slots, 2**30, root=True, languages={"python": "3.11.2"}, region=region))


def _json(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def _silence(rows: Rows, name: str) -> None:
    rows("UPDATE hosts SET seen_at = now() - interval '1 minute' WHERE name = %s", name)


def test_a_heartbeat_says_how_a_host_is(run: Run, db: Database) -> None:
    _report(db, "one", "north")
    assert hosts.heartbeat(db, "one", LOAD)

    found = _json(run("hosts", "show", "one", "--json"))

    assert (found["region"], found["standing"], found["at_work"], found["queued"]) == ("north", "live", 0, 0)
    assert found["load"] == {**vars(LOAD), "ready": {"python": 2}}
    assert run("hosts", "show", "two").exit_code == 1
    table = run("hosts", "list").stdout
    assert "north" in table
    assert "1/2" in table


def test_what_a_later_release_says_is_no_trouble(db: Database, rows: Rows) -> None:
    _report(db, "one")
    rows("""UPDATE hosts SET load = '{"slots_busy": 1, "of_tomorrow": [1]}'""")

    assert [one.load for one in hosts.known(db)] == [HostLoad(slots_busy=1)]


def test_a_host_drains_until_its_worker_holds_nothing(
    run: Run, db: Database, blobs: BlobStore, submit: Submit, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "ANSWER_S", 0.5)  # its worker is not there, and would be waited for
    _report(db, "one")
    claim = executions.claim(db, blobs, submit().execution.id, worker="one/77", lease_s=60)
    assert claim is not None
    waiting = submit().execution.id
    rows("UPDATE executions SET queue = 'host.one.bulk' WHERE id = %s", waiting)

    assert draining.drain(db, "one")
    assert not draining.drain(db, "one")
    assert hosts.heartbeat(db, "one") == hosts.Heard(draining=True)
    left = draining.left(db, "one")
    assert (left.at_work, left.queued, left.drained, left.host.standing) == (1, 1, False, Standing.DRAINING)
    assert not left.host.takes_work

    hosts.heartbeat(db, "one", idle=True)
    assert draining.left(db, "one").host.standing is Standing.DRAINED
    assert not draining.left(db, "one").drained
    assert executions.give_back(db, claim)
    rows("UPDATE executions SET queue = 'bulk' WHERE id = %s", waiting)
    assert draining.left(db, "one").drained
    assert "one is drained: its worker may be stopped." in run("hosts", "drain", "one", "--wait").stdout

    # Its worker's word holds only for as long as it says so.
    hosts.heartbeat(db, "one")
    assert not draining.left(db, "one").drained
    assert "one takes work." in run("hosts", "undrain", "one").stdout
    assert [entry.event for entry in audit.latest(db, 9)] == [draining.UNDRAINED, draining.DRAINED]


def test_a_host_that_is_gone_while_it_drains_is_drained(db: Database, rows: Rows) -> None:
    _report(db, "one")
    draining.drain(db, "one")
    _silence(rows, "one")

    assert draining.left(db, "one").drained


def test_a_host_of_a_like_name_is_another(db: Database, blobs: BlobStore, submit: Submit) -> None:
    _report(db, "one_1")
    assert executions.claim(db, blobs, submit().execution.id, worker="one-1/1", lease_s=60) is not None

    assert draining.left(db, "one_1").at_work == 0


def test_none_is_drained_where_one_is_not_known(run: Run, db: Database) -> None:
    _report(db, "one")

    result = run("hosts", "drain", "one", "two")

    assert result.exit_code == 1
    assert "there is no host 'two'; `shipd hosts list` shows those that ever had a worker" in result.output
    assert hosts.known(db)[0].takes_work
    assert run("hosts", "drain", "one", "--timeout", "1").exit_code == 2


def test_only_what_is_gone_is_forgotten(run: Run, db: Database, rows: Rows) -> None:
    _report(db, "one")
    with pytest.raises(Conflict):
        draining.forget(db, "one")
    assert "stop its worker first" in run("hosts", "forget", "one").output

    _silence(rows, "one")
    assert "Forgotten: one." in run("hosts", "forget", "one").stdout
    assert hosts.known(db) == []
    with pytest.raises(NotFound):
        draining.forget(db, "one")


def test_advice_counts_what_comes_and_what_waits(run: Run, db: Database, submit: Submit, rows: Rows) -> None:
    _report(db, "one", slots=2)
    _report(db, "far", "north", slots=4)
    for _ in range(6):
        submit()
    rows(
        "UPDATE submissions SET created_at = now() - interval '10 minutes'"
        " WHERE id IN (SELECT id FROM submissions LIMIT 4)"
    )
    began = time.monotonic()
    rows("UPDATE executions SET queued_at = now() - interval '20 s', sent_at = now() - interval '20 s'")
    rows("UPDATE executions SET queue = 'host.far.normal' WHERE id = (SELECT min(id::text)::uuid FROM executions)")

    here, north = demand.renew(db, 5)
    passed_s = time.monotonic() - began

    assert (here.demand.region, here.demand.hosts, here.demand.slots) == ("default", 1, 2)
    assert sum(here.demand.arrivals) + sum(north.demand.arrivals) == 4
    assert len(here.demand.arrivals) in {59, 60}  # the last minute is counted a moment after it is over
    assert here.demand.recent + north.demand.recent == 2
    most_s = 20.5 + passed_s
    assert [(one.count, 19.5 <= one.p95_s <= most_s) for one in here.demand.waiting] == [(5, True)]
    assert [(one.count, 19.5 <= one.oldest_s <= most_s) for one in north.demand.waiting] == [(1, True)]
    assert (here.slots, here.hosts, north.slots, north.hosts) == (3, 2, 5, 2)

    # What was wanted is held on to, and the minutes that are over are not counted again.
    rows("DELETE FROM submissions")
    again = _json(run("hosts", "advise", "--json"))["regions"]
    assert isinstance(again, list)
    assert [one["slots_wanted"] for one in again] == [3, 5]
    assert sum(sum(one["arrivals"]) for one in again) == 4
    printed = run("hosts", "advise").stdout
    assert "submissions of each minute of an hour" in printed
    assert "slots would do now" in printed


def test_nobody_needs_more_hosts_for_a_queue_that_is_paused(db: Database, submit: Submit, rows: Rows) -> None:
    _report(db, "one")
    submit()
    rows("UPDATE executions SET queued_at = now() - interval '1 hour', sent_at = now() - interval '1 hour'")
    rows("INSERT INTO paused_queues (name) VALUES ('normal')")

    (found,) = demand.renew(db, 5)

    assert (found.demand.waiting, found.slots) == ([], 1)


def test_counts_are_drawn() -> None:
    assert bars([0, 1, 2, 7]) == "▁▂▃█"
    assert bars([0, 0]) == "▁▁"
    assert bars([]) == ""
