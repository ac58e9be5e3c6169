"""A host that drains: what runs there ends there, what is new goes to the others, and nothing is lost."""

import json
from collections.abc import Callable, Iterator, Mapping

import pytest
from click.testing import Result

from domain import audit, draining, hosts
from domain.db import Database
from domain.verdict import State, Verdict
from tests.integration.celery.container import ProcessContainer
from tests.integration.celery.fleet import Fleet, jailed, sleeping
from tests.waiting import eventually

QUICK = "print('done')"
Shipd = Callable[..., Result]


@pytest.fixture
def both(fleet: Fleet, worker: ProcessContainer, second: ProcessContainer) -> Iterator[Fleet]:
    """Two hosts of a slot each that take work."""
    live = {"worker", "second"}
    assert worker.status == second.status == "running"
    eventually(lambda: live <= {one.report.name for one in hosts.known(fleet.db) if one.takes_work})
    yield fleet
    for name in live:
        draining.undrain(fleet.db, name)


def said(result: Result) -> list[Mapping[str, object]]:
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["hosts"]
    assert isinstance(found, list)
    return found


def where(fleet: Fleet, submissions: list[object], rows: Callable[..., list[Mapping[str, object]]]) -> list[object]:
    executions = [fleet.done(one) for one in submissions]  # type: ignore[arg-type] # ids
    assert [(one.verdict, one.attempt) for one in executions] == [(Verdict.AC, 1)] * len(executions)
    return [rows("SELECT host FROM executions WHERE id = %s", one.id)[0]["host"] for one in executions]


def test_a_host_is_drained_and_comes_back(
    both: Fleet,
    worker: ProcessContainer,
    second: ProcessContainer,
    shipd: Shipd,
    db: Database,
    rows: Callable[..., list[Mapping[str, object]]],
) -> None:
    running: list[object] = [both.submit(sleeping(8)) for _ in range(2)]
    eventually(lambda: jailed(worker) and jailed(second))

    (begun,) = said(shipd("hosts", "drain", "second", "--json"))
    assert begun == {"name": "second", "standing": "draining", "drained": False, "at_work": 1, "queued": 0}
    new: list[object] = [both.submit(QUICK) for _ in range(4)]
    late = shipd("hosts", "drain", "second", "--wait", "--timeout", "0")
    assert (late.exit_code, "second is draining: 1 executions at work there" in late.output) == (4, True)
    (ended,) = said(shipd("hosts", "drain", "second", "--wait", "--timeout", "60", "--json"))
    assert ended == {"name": "second", "standing": "drained", "drained": True, "at_work": 0, "queued": 0}

    assert sorted(map(str, where(both, running, rows))) == ["second", "worker"]
    assert where(both, new, rows) == ["worker"] * 4

    # One that is started again takes nothing either, and says so.
    second.kill("SIGTERM")
    assert second.wait() == 0
    second.start()
    second.ready()
    assert where(both, [both.submit(QUICK) for _ in range(4)], rows) == ["worker"] * 4
    assert draining.left(db, "second").drained

    (back,) = said(shipd("hosts", "undrain", "second", "--json"))
    assert back["standing"] == "live"
    eventually(lambda: both.takes_from("second", "normal"))
    again = [both.submit(sleeping(5)) for _ in range(2)]
    eventually(lambda: jailed(worker) and jailed(second))
    assert {both.done(one).state for one in again} == {State.DONE}
    noted = audit.latest(db, 100)
    events = [(entry.event, entry.details) for entry in noted if entry.event.startswith("host_")]
    assert events[:2] == [("host_undrained", {"host": "second"}), ("host_drained", {"host": "second"})]


def test_a_host_tells_how_it_is(both: Fleet, shipd: Shipd) -> None:
    both.done(both.submit(QUICK))

    def loads() -> dict[str, Mapping[str, object]]:
        return {one["name"]: one["load"] for one in said(shipd("hosts", "list", "--json"))}  # type: ignore[misc] # JSON

    eventually(lambda: [one for one in loads().values() if one["executions"]])
    load = loads()["worker"]
    assert load["memory_available_bytes"]
    assert load["disk_free_bytes"]
    assert load["failures"] == 0
