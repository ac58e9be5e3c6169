"""`shipd queues`, `executions`, `users`, `hosts` and `blobs` against a real PostgreSQL, Redis and S3."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Timer
from uuid import UUID, uuid4

import pytest
from celery import Celery
from click.testing import CliRunner, Result

from app import create_app
from app.cli import main
from domain import audit, executions, hosts, keys, queue, queues
from domain.blob_folder import FolderBlobs
from domain.blob_s3 import S3Blobs
from domain.blobs import BlobStore
from domain.db import Database
from domain.events import Events
from domain.host import HostReport
from domain.model import ExecutionTelemetry, Outcome, Phases, Priority, Submission
from domain.settings import Settings
from domain.verdict import State, Verdict
from domain.views import SubmissionView
from standalone import ports
from tests.integration.conftest import HELLO
from tests.s3 import S3

Run = Callable[..., Result]
Rows = Callable[..., list[Mapping[str, object]]]
Submit = Callable[[Submission], SubmissionView]


@pytest.fixture
def celery(database_url: str, redis_url: str) -> Iterator[Celery]:
    made = queue.make_celery(Settings(database_url, redis_url, redis_url))
    for priority in Priority:
        queue.discard(made, [priority])
    yield made
    made.close()


@pytest.fixture
def sent(submit: Submit, celery: Celery) -> Callable[[Priority], SubmissionView]:
    """Submit hello world, with its message."""

    def send(priority: Priority) -> SubmissionView:
        view = submit(replace(HELLO, priority=priority))
        queue.enqueue(celery, view.execution.id, priority)
        return view

    return send


def _json(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def _listed(result: Result, name: str) -> list[dict[str, object]]:
    found = _json(result)[name]
    assert isinstance(found, list)
    return found


def _queues(run: Run) -> dict[str, dict[str, object]]:
    return {str(one["name"]): one for one in _listed(run("queues", "list", "--json"), "queues")}


def _end(db: Database, blobs: BlobStore, execution_id: UUID, verdict: Verdict) -> None:
    claim = executions.claim(db, blobs, execution_id, worker="host/1", lease_s=60)
    assert claim is not None
    known = ExecutionTelemetry(Phases(queue_ms=5, prepare_ms=1, run_ms=70), host="host")
    reason = "sandbox" if verdict is Verdict.JE else None
    assert executions.finish(db, blobs, claim, Outcome(verdict, reason, known))


def _events(db: Database) -> list[tuple[str, str]]:
    return [(entry.event, entry.actor) for entry in audit.latest(db, 100)]


def test_queues_are_listed(
    run: Run, db: Database, blobs: BlobStore, sent: Callable[[Priority], SubmissionView], submit: Submit
) -> None:
    for priority in (Priority.BULK, Priority.BULK, Priority.NORMAL):
        sent(priority)
    at_work = submit(HELLO)
    assert executions.claim(db, blobs, at_work.execution.id, worker="w", lease_s=60) is not None

    found = _queues(run)

    counts = {name: (one["messages"], one["queued"], one["at_work"], one["paused"]) for name, one in found.items()}
    assert counts == {"interactive": (0, 0, 0, False), "normal": (1, 1, 1, False), "bulk": (2, 2, 0, False)}
    assert found["bulk"]["oldest_at"]
    assert found["interactive"]["oldest_at"] is None
    assert "bulk" in run("queues", "list").stdout


def test_a_pause_is_kept_and_noted_once(run: Run, db: Database) -> None:
    first = _listed(run("queues", "pause", "bulk", "normal", "--json"), "queues")
    again = _listed(run("queues", "pause", "bulk", "--json"), "queues")

    assert [one["changed"] for one in first] == [True, True]
    assert [one["changed"] for one in again] == [False]
    assert queues.paused(db) == {"bulk", "normal"}
    assert _queues(run)["bulk"]["paused"]

    assert "is taken from" in run("queues", "resume", "bulk").stdout
    assert queues.paused(db) == {"normal"}
    assert _events(db) == [("queue_resumed", "shipd queues"), *[("queue_paused", "shipd queues")] * 2]


def test_a_queue_is_purged(
    run: Run, db: Database, blobs: BlobStore, events: Events, sent: Callable[[Priority], SubmissionView], celery: Celery
) -> None:
    gone = [sent(Priority.BULK) for _ in range(3)]
    others = [sent(Priority.NORMAL), sent(Priority.BULK)]
    assert executions.claim(db, blobs, others[1].execution.id, worker="w", lease_s=60) is not None
    expected = events.expect(gone[0].execution.id)

    result = _json(run("queues", "purge", "bulk", "--yes", "--json"))

    assert result == {"name": "bulk", "messages": 4, "cancelled": 3}
    found = _queues(run)
    assert (found["bulk"]["queued"], found["bulk"]["at_work"], found["bulk"]["messages"]) == (0, 1, 0)
    assert (found["normal"]["queued"], found["normal"]["messages"]) == (1, 1)
    began = time.monotonic()
    expected.wait(lambda: False, 20)
    assert time.monotonic() - began < 20, "nobody was told of the end"
    (entry,) = [entry for entry in audit.latest(db, 10) if entry.event == queues.PURGED]
    assert entry.details == {"queue": "bulk", "messages": 4, "executions": 3}
    assert queue.lengths(celery)["bulk"] == 0


def test_without_a_terminal_a_purge_must_be_meant(run: Run, sent: Callable[[Priority], SubmissionView]) -> None:
    sent(Priority.BULK)

    result = run("queues", "purge", "bulk")

    assert result.exit_code == 2
    assert "Cancel 1 executions that wait in bulk? Say --yes if you mean it." in result.output
    assert _queues(run)["bulk"]["queued"] == 1


def test_drain_waits_for_the_last(run: Run, db: Database, blobs: BlobStore, submit: Submit) -> None:
    view = submit(HELLO)
    late = run("queues", "drain", "normal", "--timeout", "0")
    assert late.exit_code == 4
    assert "1 executions are left" in late.output

    timer = Timer(0.3, _end, (db, blobs, view.execution.id, Verdict.AC))
    timer.start()
    result = run("queues", "drain", "normal", "bulk", "--timeout", "60", "--json")
    timer.join()

    assert result.exit_code == 0
    assert executions.any_queued(db) is False


def test_executions_are_listed_and_shown(run: Run, db: Database, blobs: BlobStore, submit: Submit) -> None:
    views = [submit(HELLO), submit(replace(HELLO, priority=Priority.BULK))]
    _end(db, blobs, views[0].execution.id, Verdict.JE)

    every = _listed(run("executions", "list", "--json"), "executions")
    assert [one["id"] for one in every] == [str(view.execution.id) for view in reversed(views)]
    for options in (("--verdict", "JE"), ("--state", "done"), ("--priority", "normal")):
        (only,) = _listed(run("executions", "list", "--json", *options), "executions")
        assert only["submission_id"] == str(views[0].id)
    assert len(_listed(run("executions", "list", "--json", "--last", "1"), "executions")) == 1

    (shown,) = _listed(run("executions", "show", str(views[0].id), "--json"), "executions")
    assert (shown["verdict"], shown["reason"], shown["host"], shown["run_ms"]) == ("JE", "sandbox", "host", 70)
    assert "run_ms" in run("executions", "show", str(views[0].id)).stdout
    assert run("executions", "show", str(uuid4())).exit_code == 1


def test_an_execution_is_cancelled(run: Run, db: Database, submit: Submit) -> None:
    view, nobody = submit(HELLO), uuid4()

    found = _json(run("executions", "cancel", str(view.execution.id), str(nobody), "--json"))

    assert found["executions"] == [
        {"id": str(view.execution.id), "cancelled": True},
        {"id": str(nobody), "cancelled": False},
    ]
    assert "is over" in run("executions", "cancel", str(view.execution.id)).stdout
    assert _events(db) == [("execution_cancelled", "shipd executions")]


def test_what_is_logged_is_no_part_of_the_answer(database_url: str, submit: Submit) -> None:
    view = submit(HELLO)
    away = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": f"redis://127.0.0.1:{ports.choose(1)[0]}"}
    argv = [str(Path(sys.executable).with_name("shipd")), "executions", "cancel", str(view.execution.id), "--json"]
    done = subprocess.run(argv, env=away, capture_output=True, text=True, timeout=300, check=True)

    assert json.loads(done.stdout)["executions"] == [{"id": str(view.execution.id), "cancelled": True}]
    assert '"event":"event_not_published"' in done.stderr


def test_what_ended_as_our_fault_is_graded_anew(
    run: Run, db: Database, blobs: BlobStore, submit: Submit, celery: Celery
) -> None:
    view = submit(HELLO)
    _end(db, blobs, view.execution.id, Verdict.JE)

    (made,) = _listed(run("executions", "requeue", str(view.execution.id), "--json"), "executions")

    shown = _listed(run("executions", "show", str(view.id), "--json"), "executions")
    assert [(one["number"], one["state"], one["verdict"]) for one in shown] == [
        (1, "done", "JE"),
        (2, "queued", None),
    ]
    assert made["execution_id"] == shown[1]["id"]
    assert queue.lengths(celery)["normal"] == 1
    again = run("executions", "requeue", str(view.execution.id))
    assert (again.exit_code, "is not the current one of" in again.output) == (1, True)
    assert _events(db) == [("execution_requeued", "shipd executions")]


def test_what_waits_is_sent_once_more(run: Run, db: Database, submit: Submit, celery: Celery, rows: Rows) -> None:
    view = submit(HELLO)
    rows("UPDATE executions SET sent_at = 'infinity'")  # it waits for a place

    _json(run("executions", "requeue", str(view.execution.id), "--json"))

    assert queue.lengths(celery)["normal"] == 1
    assert rows("SELECT sent, sent_at < 'infinity' AS sent_now FROM executions") == [{"sent": 2, "sent_now": True}]


@pytest.mark.parametrize("verdict", [Verdict.AC, Verdict.WA, Verdict.CE])
def test_what_has_a_verdict_is_not_requeued(
    run: Run, db: Database, blobs: BlobStore, submit: Submit, verdict: Verdict
) -> None:
    view = submit(HELLO)
    _end(db, blobs, view.execution.id, verdict)

    result = run("executions", "requeue", str(view.execution.id))

    assert (result.exit_code, f"ended as {verdict}" in result.output) == (1, True)
    assert _events(db) == []


def test_what_is_at_work_is_not_requeued(run: Run, db: Database, blobs: BlobStore, submit: Submit) -> None:
    view = submit(HELLO)
    assert executions.claim(db, blobs, view.execution.id, worker="w", lease_s=60) is not None

    result = run("executions", "requeue", str(view.execution.id))

    assert (result.exit_code, f"is {State.PREPARING}" in result.output) == (1, True)


def test_who_is_suspended_is_answered_with_403(
    run: Run, db: Database, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.users.REMEMBERED_S", 0.0)
    key = keys.create(db, name="course", role="service")
    owner = keys.verify(db, key)
    assert owner is not None
    header = {"Authorization": f"Bearer {key}"}
    with create_app(Settings(database_url, redis_url, redis_url)).test_client() as http:
        assert http.get("/v1/me", headers=header).status_code == 200

        suspended = _json(run("users", "suspend", str(owner.id), "--json"))
        refused = http.get("/v1/me", headers=header)
        assert suspended["suspended_at"]
        assert (refused.status_code, "is suspended" in refused.text) == (403, True)

        assert _json(run("users", "resume", str(owner.id), "--json"))["suspended_at"] is None
        assert http.get("/v1/me", headers=header).status_code == 200
    assert _events(db) == [("user_resumed", "shipd users"), ("user_suspended", "shipd users")]
    assert run("users", "suspend", str(uuid4())).exit_code == 1


def test_users_are_listed_with_what_they_use(
    run: Run, db: Database, blobs: BlobStore, submit: Submit, owner: UUID, rows: Rows
) -> None:
    _end(db, blobs, submit(HELLO).execution.id, Verdict.AC)
    rows(
        "INSERT INTO spending VALUES ((now() AT TIME ZONE 'UTC')::date, %s, '', 0, 1200),"
        " ((now() AT TIME ZONE 'UTC')::date, %s, 'ada', 1, 34)",
        owner,
        owner,
    )

    (found,) = _listed(run("users", "list", "--json"), "users")

    assert (found["id"], found["keys"], found["submissions"], found["cpu_ms_today"]) == (str(owner), ["tests"], 1, 1234)
    assert _json(run("users", "show", str(owner), "--json")) == found
    assert str(owner) in run("users", "list").stdout
    assert "tests" in run("users", "show", str(owner)).stdout
    assert run("users", "show", str(uuid4())).exit_code == 1


def test_hosts_are_listed(run: Run, db: Database) -> None:
    languages = {"python": "3.11.2"}
    hosts.report(db, HostReport("one", 2, 2**30, root=True, languages=languages, blob_store="folder x"))

    (found,) = _listed(run("hosts", "list", "--json"), "hosts")

    assert (found["name"], found["live"], found["slots"], found["blob_store"]) == ("one", True, 2, "folder x")
    assert "one" in run("hosts", "list").stdout
    assert "folder x" in run("hosts", "show", "one").stdout


def test_blobs_move_from_a_folder_to_s3(s3: S3, database_url: str, redis_url: str, tmp_path: Path) -> None:
    folder, target = FolderBlobs(tmp_path / "blobs"), S3Blobs(s3.place("moved"))
    good = [folder.put(f"blob {number}".encode()) for number in range(5)]
    bad = folder.put(b"spoilt")
    path = folder.folder / bad[:2] / bad[2:4] / bad
    path.chmod(0o600)
    path.write_bytes(b"SPOILT")
    environ = {**s3.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SHIPD_STATE_DIR": str(tmp_path)}
    del environ["SHIPD_BLOB_URL"]

    def copy(*arguments: str) -> Result:
        to = ("blobs", "copy", "--to", "s3://blobs/moved", *arguments)
        return CliRunner().invoke(main, to, env=environ, catch_exceptions=False)

    first = copy("--json")
    assert (first.exit_code, json.loads(first.stdout)) == (1, {"copied": 5, "there": 0, "damaged": [bad]})
    assert {target.get(sha256) for sha256 in good} == {f"blob {number}".encode() for number in range(5)}
    folder.remove(bad)
    assert "0 copied, 5 were there, 0 are damaged" in copy().stdout
    assert copy("--to", "nowhere://x").exit_code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])

    assert result.exit_code == 0
    assert "_SHIPD_COMPLETE" in result.stdout


def test_the_command_completes() -> None:
    environ = {"_SHIPD_COMPLETE": "bash_complete", "COMP_WORDS": "shipd queues p", "COMP_CWORD": "2"}
    result = CliRunner().invoke(main, prog_name="shipd", env=environ)

    assert result.stdout.split() == ["plain,pause", "plain,purge"]


def test_a_database_that_is_away_has_an_exit_code_of_its_own(redis_url: str) -> None:
    environ = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "REDIS_URL": redis_url}

    assert CliRunner().invoke(main, ["users", "list"], env=environ).exit_code == 3
