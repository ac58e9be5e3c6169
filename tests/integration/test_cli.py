"""The `shipd` command on real servers."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from domain import hosts, key_list, keys
from domain.db import Database
from domain.host import HostReport
from domain.roles import Scope
from domain.views import SubmissionView

Run = Callable[..., Result]


def test_a_key_that_was_made_works(run: Run, db: Database) -> None:
    result = run("keys", "create", "someone", "--role", "service")

    found = keys.verify(db, result.stdout.strip())
    assert result.exit_code == 0
    assert found is not None
    assert (found.name, found.role) == ("someone", "service")


def test_a_key_may_be_for_checked_sources_only(run: Run, db: Database) -> None:
    made = json.loads(run("keys", "create", "course", "--static-check", "basic", "--json").stdout)
    run("keys", "create", "free")

    found = keys.verify(db, made["key"])
    assert found is not None
    assert (found.static_check, made["static_check"]) == ("basic", "basic")
    listed = json.loads(run("keys", "list", "--json").stdout)["keys"]
    assert {entry["name"]: entry["static_check"] for entry in listed} == {"course": "basic", "free": None}
    assert "basic" in run("keys", "list").stdout


@pytest.mark.parametrize("name", ["strict", "", "../languages/python", "BASIC"])
def test_an_unknown_static_check_is_refused_with_those_there_are(run: Run, db: Database, name: str) -> None:
    result = run("keys", "create", "course", "--static-check", name)

    assert result.exit_code == 1
    assert f"unknown static check {name!r}; there are: basic" in result.output
    assert key_list.everybodys(db) == []


def test_a_static_check_that_is_wrong_is_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "mine.toml").write_text("language = 'python'")
    monkeypatch.setenv("SHIPD_JAIL_CONFIGS", str(tmp_path))
    result = run("keys", "create", "course", "--static-check", "mine")

    assert result.exit_code == 1
    assert "mine.toml: the file has missing keys" in result.output


def test_a_key_may_end_and_do_less(run: Run, db: Database) -> None:
    scopes = ("--scope", "submissions:read", "--scope", "submissions:write")
    result = run("keys", "create", "ci", "--role", "service", *scopes, "--expires", "90d")

    found = keys.verify(db, result.stdout.strip())
    assert found is not None
    assert found.scopes == frozenset({Scope.SUBMISSIONS_READ, Scope.SUBMISSIONS_WRITE})
    assert found.expires_at is not None
    assert timedelta(days=89) < found.expires_at - datetime.now(UTC) <= timedelta(days=90)
    assert json.loads(run("keys", "list", "--json").stdout)["keys"][0]["scopes"] == sorted(found.scopes)
    assert "submissions:write" in run("keys", "list").stdout


@pytest.mark.parametrize("when", ["0d", "d", "-1d", "soon", "2020-01-01T00:00:00Z", "2999-01-01", "99999d", "1.5d"])
def test_an_end_that_is_none_is_refused(run: Run, when: str) -> None:
    result = run("keys", "create", "ci", "--expires", when)

    assert result.exit_code == 2
    assert "neither days (90d) nor a moment" in result.output


def test_a_key_may_be_for_somebody_who_is_there(run: Run, db: Database) -> None:
    first = json.loads(run("keys", "create", "one", "--json").stdout)
    by_prefix = run("keys", "create", "two", "--user", first["prefix"]).stdout.strip()
    by_owner = run("keys", "create", "three", "--user", first["owner_id"]).stdout.strip()

    assert {found.id for text in (by_prefix, by_owner) if (found := keys.verify(db, text))} == {UUID(first["owner_id"])}
    for nobody in ("nobody", str(uuid.uuid4())):
        result = run("keys", "create", "four", "--user", nobody)
        assert result.exit_code == 1
        assert nobody in result.output


def test_a_key_is_rotated(run: Run, db: Database) -> None:
    before = run("keys", "create", "one").stdout.strip()
    prefix = before.split("_")[1]

    after = run("keys", "rotate", prefix, "--grace", "60").stdout.strip()
    assert all(keys.verify(db, text) for text in (before, after))
    last = json.loads(run("keys", "rotate", prefix, "--json").stdout)
    assert [keys.verify(db, text) is not None for text in (before, after, last["key"])] == [False, False, True]
    assert "key_rotated" in run("audit", "list").stdout
    assert run("keys", "rotate", "nobody").exit_code == 1


def test_keys_are_listed_without_their_secret(run: Run) -> None:
    made = json.loads(run("keys", "create", "someone", "--json").stdout)

    table = run("keys", "list").stdout
    (listed,) = json.loads(run("keys", "list", "--json").stdout)["keys"]

    _, prefix, secret = made["key"].split("_")
    assert (made["role"], listed["prefix"], listed["role"]) == ("submitter", prefix, "submitter")
    assert prefix in table
    assert secret not in table + str(listed)


def test_a_revoked_key_does_not_work(run: Run, db: Database) -> None:
    key = run("keys", "create", "someone").stdout.strip()

    assert run("keys", "revoke", key.split("_")[1]).exit_code == 0
    assert keys.verify(db, key) is None


def test_a_key_that_is_not_there_cannot_be_revoked(run: Run) -> None:
    result = run("keys", "revoke", "nobody")

    assert result.exit_code == 1
    assert "nobody" in result.output


def test_it_shows_a_submission(run: Run, submit: Callable[..., SubmissionView]) -> None:
    view = submit()

    assert json.loads(run("submissions", "show", str(view.id), "--json").stdout)["id"] == str(view.id)
    assert "queued" in run("submissions", "show", str(view.id)).stdout


def test_it_shows_no_other_submission(run: Run) -> None:
    assert run("submissions", "show", str(uuid.uuid4())).exit_code == 1
    assert run("submissions", "show", "7").exit_code == 2


def test_it_lists_languages(run: Run, db: Database) -> None:
    hosts.report(db, HostReport("one", 1, 2**30, root=False, languages={"python": "3.11.2"}))

    listed = {entry["name"]: entry for entry in json.loads(run("languages", "--json").stdout)["languages"]}

    assert (listed["python"]["available"], listed["rust"]["available"]) == (True, False)
    assert "3.11.2" in run("languages").stdout


def test_doctor_says_what_is_there(run: Run, db: Database) -> None:
    report = json.loads(run("doctor", "--json").stdout)

    platform = {entry["name"]: entry for entry in report["platform"]}
    assert {name: entry["ok"] for name, entry in platform.items()} == {
        "postgresql": True,
        "redis": True,
        "blobs": True,
        "worker": False,
        "migrations": True,
    }
    assert not report["ok"]
    assert {entry["name"] for entry in report["languages"]} >= {"python", "c", "rust"}
    assert "nsjail" in {entry["name"] for entry in report["sandbox"]}


def test_doctor_names_the_migration_that_is_missing(empty_database: str, redis_url: str) -> None:
    environ = {"DATABASE_URL": empty_database, "REDIS_URL": redis_url}
    result = CliRunner().invoke(main, ["doctor", "--json"], env=environ)

    (found,) = [entry for entry in json.loads(result.stdout)["platform"] if entry["name"] == "migrations"]
    assert result.exit_code == 1
    assert "python -m migrations upgrade" in found["message"]
