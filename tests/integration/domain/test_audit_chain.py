"""The audit log in PostgreSQL: written beside what it tells of, chained later, and only ever added to."""

import hashlib
from collections.abc import Callable, Mapping

import psycopg
import pytest
from psycopg import sql
from structlog.testing import capture_logs

from domain import (
    audit,
    audit_chain,
    audit_check,
    audit_ended,
    executions,
    fleet_now,
    keys,
    origin,
    owners,
    problems,
    webhooks,
)
from domain.audit_chain import START, Head, HeadGone, Link
from domain.audit_check import Checked, Fault
from domain.blobs import BlobStore
from domain.db import Connection, Database
from domain.key_limits import KeyLimits
from domain.model import Claim, ExecutionTelemetry, Outcome
from domain.vault import Vault
from domain.verdict import Verdict
from domain.views import SubmissionView
from domain.webhooks import Change, Event
from tests.integration.conftest import HELLO
from tests.integration.domain.stored import SUM

Rows = Callable[..., list[Mapping[str, object]]]
Take = Callable[..., Claim]
URL = "https://example.org/secret-path"


def chain_all(db: Database) -> int:
    count = 0
    while some := audit_chain.extend(db):
        count += some
    return count


def note_many(db: Database, count: int) -> None:
    with db.transaction() as tx:
        for number in range(count):
            audit.done(tx, "tested", {"number": number})


def checked(db: Database) -> Checked:
    found = Checked(Head(0, START), Head(0, START))
    for _ in audit_check.check(found, audit_check.read(db)):
        pass
    return found


def test_the_end_of_an_execution_becomes_an_entry(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView], take: Take
) -> None:
    with origin.bound(address="192.0.2.1", request_id="abc"):
        view = submit()
    claim = take(view)
    executions.finish(db, blobs, claim, Outcome(Verdict.AC, None, ExecutionTelemetry(host="here")))
    assert audit.latest(db, 10, submission_id=view.id) == []  # nothing but its id is written there

    assert chain_all(db) == 1

    (entry,) = audit.latest(db, 10, submission_id=view.id)
    assert (entry.event, entry.actor, entry.execution_id) == (
        "execution_ended",
        f"owner {view.owner_id}",
        claim.execution_id,
    )
    assert entry.origin == {"address": "192.0.2.1", "request_id": "abc"}
    code = hashlib.sha256(HELLO.sources[0].content).hexdigest() + "  main.py\n"
    assert entry.details["sources_sha256"] == hashlib.sha256(code.encode()).hexdigest()
    known = {name: entry.details[name] for name in ("number", "state", "verdict", "host", "language", "candidate")}
    assert known == {
        "number": 1,
        "state": "done",
        "verdict": "AC",
        "host": "here",
        "language": "python",
        "candidate": False,
    }
    assert "hello" not in str(entry)
    assert chain_all(db) == 0


def test_what_was_deleted_meanwhile_has_an_entry_all_the_same(
    db: Database, blobs: BlobStore, take: Take, rows: Rows
) -> None:
    claim = take()
    executions.finish(db, blobs, claim, Outcome(Verdict.AC, None, ExecutionTelemetry()))
    rows("DELETE FROM submissions WHERE id = %s", claim.submission_id)

    chain_all(db)

    (entry,) = audit.latest(db, 10, submission_id=claim.submission_id)
    assert (entry.details, entry.execution_id) == ({"deleted": True}, claim.execution_id)


def test_what_is_changed_has_an_entry_with_who_did_it_and_from_where(db: Database, blobs: BlobStore) -> None:
    text = keys.create(db, name="one", role="admin")
    key = keys.verify(db, text)
    assert key is not None
    with origin.bound(address="192.0.2.1", key_prefix=key.prefix, owner_id=str(key.id)):
        problems.create(db, blobs, SUM, owner_id=key.id)
        problems.delete(db, SUM.id, key.id)
        keys.limit(db, key.prefix or "", KeyLimits(at_once=3))
        owner = owners.of_subject(db, "https://issuer.example", "somebody")
        made = webhooks.create(
            db,
            Vault(db),
            key.id,
            url="https://example.org/secret-path",
            events=[Event.DONE],
            description="",
            secret="whsec_x",
        )
        webhooks.update(db, made.id, None, Change(description="other"))

    entries = audit.latest(db, 10)
    assert [entry.event for entry in reversed(entries)] == [
        *("problem_version_created", "problem_deleted", "key_limited", "owner_created"),
        *("webhook_created", "webhook_changed"),
    ]
    actors = {entry.event: entry.actor for entry in entries}
    assert actors.pop("owner_created") == f"owner {owner}"
    assert set(actors.values()) == {f"key {key.prefix}"}
    assert all(entry.origin and entry.origin["address"] == "192.0.2.1" for entry in entries)
    assert "secret-path" not in str(entries)


@pytest.mark.parametrize(
    "command",
    [
        "UPDATE audit_log SET event = 'nothing'",
        "UPDATE audit_log SET position = position + 1",
        "UPDATE audit_log SET position = NULL, hash = NULL",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "INSERT INTO audit_log VALUES (gen_random_uuid(), now(), 'x', 'x', NULL, NULL, '{}', NULL, 9, sha256(''))",
    ],
)
def test_entries_are_only_added(db: Database, rows: Rows, command: str) -> None:
    note_many(db, 2)
    chain_all(db)

    with pytest.raises(psycopg.errors.RestrictViolation, match="only added to"):
        rows(command)


def test_what_is_not_chained_yet_cannot_be_changed_either(db: Database, rows: Rows) -> None:
    note_many(db, 1)

    with pytest.raises(psycopg.errors.RestrictViolation):
        rows("UPDATE audit_log SET event = 'nothing'")
    with pytest.raises(psycopg.errors.RestrictViolation):
        rows("UPDATE audit_log SET event = 'nothing', position = 1, hash = sha256('')")


@pytest.mark.parametrize(
    ("command", "position", "fault"),
    [
        ("""UPDATE audit_log SET details = '{"number": 99}' WHERE position = 4""", 4, Fault.CHANGED),
        ("UPDATE audit_log SET actor = 'somebody else' WHERE position = 4", 4, Fault.CHANGED),
        ("DELETE FROM audit_log WHERE position = 4", 4, Fault.MISSING),
        (
            """
            WITH moved AS (SELECT max(position) + 1 AS top FROM audit_log)
            UPDATE audit_log SET position = CASE position WHEN 4 THEN 107 ELSE 104 END WHERE position IN (4, 7);
            UPDATE audit_log SET position = position - 100 WHERE position > 100
            """,
            4,
            Fault.REORDERED,
        ),
        (
            """
            UPDATE audit_log SET position = position + 101 WHERE position >= 4;
            UPDATE audit_log SET position = position - 100 WHERE position > 100;
            INSERT INTO audit_log (id, event, actor, details, position, hash)
            VALUES (gen_random_uuid(), 'x', 'x', '{}', 4, sha256(''))
            """,
            4,
            Fault.REORDERED,
        ),
    ],
    ids=["details", "actor", "deleted", "swapped", "inserted"],
)
def test_who_may_everything_in_the_database_is_found_out(
    db: Database, rows: Rows, command: str, position: int, fault: Fault
) -> None:
    note_many(db, 9)
    chain_all(db)
    assert checked(db).broken is None

    with db.transaction() as tx:
        tx.execute("SET LOCAL session_replication_role = replica")  # no triggers: a superuser's way
        for one in command.split(";"):
            tx.execute(one.encode())

    broken = checked(db).broken
    assert broken is not None
    assert (broken.position, broken.fault) == (position, fault)


def test_two_who_chain_do_not_fork_it(db: Database, at_once: Callable[..., list[object]]) -> None:
    note_many(db, 50)

    def note_and_chain(_: int) -> int:
        count = 0
        for _ in range(10):
            note_many(db, 5)
            count += audit_chain.extend(db)
        return count

    at_once(4, note_and_chain)
    chain_all(db)

    found = checked(db)
    assert (found.broken, found.entries, found.end) == (None, 250, audit_chain.head(db))


def test_whoever_is_killed_while_chaining_leaves_nothing_half_done(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_many(db, 3)
    append = audit_chain._append

    def killed(tx: Connection, last: Head, entries: list[Mapping[str, object]]) -> None:
        append(tx, last, entries)
        raise KeyboardInterrupt

    monkeypatch.setattr(audit_chain, "_append", killed)
    with pytest.raises(KeyboardInterrupt):
        audit_chain.extend(db)
    monkeypatch.undo()

    assert audit_chain.head(db) == Head(0, START)
    assert audit_check.waiting(db)[0] == 3
    assert (chain_all(db), checked(db).broken, audit_check.waiting(db)[0]) == (3, None, 0)


def test_every_entry_is_told_to_the_log_in_order_and_again_after_a_kill(db: Database) -> None:
    note_many(db, 3)
    chain_all(db)
    told: list[int] = []

    def die_at_the_second(link: Link) -> None:
        told.append(link.position)
        if link.position == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit_chain.tell(db, die_at_the_second)
    assert audit_chain.tell(db, lambda link: told.append(link.position)) == 3
    assert told == [1, 2, 1, 2, 3]
    assert audit_chain.tell(db, lambda link: told.append(link.position)) == 0


def test_an_end_that_is_gone_is_told_and_nothing_is_chained(db: Database, rows: Rows) -> None:
    note_many(db, 2)
    chain_all(db)
    rows("DELETE FROM audit_head")
    note_many(db, 1)

    with capture_logs() as said:
        assert (audit_chain.extend(db), audit_chain.tell(db, lambda _: None)) == (0, 0)

    assert [one["event"] for one in said] == ["audit_head_gone"] * 2
    with pytest.raises(HeadGone, match="audit_head has no row"):
        audit_chain.head(db)


def test_where_another_chains_nothing_is_told(db: Database) -> None:
    note_many(db, 1)
    with db.transaction() as other:
        other.execute("SELECT FROM audit_head FOR UPDATE")
        with capture_logs() as said:
            assert audit_chain.extend(db) == 0
    assert said == []


def test_an_end_of_which_no_entry_can_be_made_keeps_no_other_from_being_chained(
    db: Database, blobs: BlobStore, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    executions.finish(db, blobs, take(), Outcome(Verdict.AC, None, ExecutionTelemetry()))
    note_many(db, 2)

    with monkeypatch.context() as broken, capture_logs() as said:
        broken.setattr(audit_ended, "_TAKE", b"SELECT 1 / 0")
        assert chain_all(db) == 2
    assert {one["event"] for one in said} == {"ended_not_taken"}
    assert audit_check.waiting(db)[0] == fleet_now.read(db).audit_waiting == 1

    assert chain_all(db) == 1
    assert fleet_now.read(db).audit_waiting == 0


def test_entries_of_the_previous_release_are_chained_too(db: Database, rows: Rows) -> None:
    rows(
        "INSERT INTO audit_log (id, at, event, actor, details)"
        " SELECT gen_random_uuid(), now() - interval '1 day', 'key_created', 'shipd keys', '{}'"
    )
    note_many(db, 1)

    chain_all(db)

    assert [link.entry["event"] for link in audit_check.read(db)] == ["key_created", "tested"]
    assert checked(db).broken is None


def test_the_platforms_role_needs_no_right_to_change_entries(db: Database, database_url: str, blobs: BlobStore) -> None:
    role = sql.Identifier("least_of_" + database_url.rpartition("_")[2])
    rights = (
        "CREATE ROLE {} LOGIN PASSWORD 'least'",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
        "REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM {}",
        "GRANT UPDATE (position, hash) ON audit_log TO {}",
    )
    with psycopg.connect(database_url, autocommit=True) as owner:
        for one in rights:
            owner.execute(sql.SQL(one).format(role))
        least = Database(f"{database_url}?user={role.as_string().strip(chr(34))}&password=least")
        try:
            note_many(least, 2)
            assert (chain_all(least), checked(least).broken) == (2, None)
            for command in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege), least.transaction() as tx:
                    tx.execute(command.encode())
        finally:
            least.close()
            owner.execute(sql.SQL("DROP OWNED BY {}").format(role))
            owner.execute(sql.SQL("DROP ROLE {}").format(role))
