"""`shipd audit`: what it lists, and how it finds out that somebody changed what was written."""

import json
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result

from domain import audit
from domain.db import Database
from domain.logging import configure
from workers import auditing

Run = Callable[..., Result]
Rows = Callable[..., list[Mapping[str, object]]]


@pytest.fixture(autouse=True)
def quiet_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of pools that earlier tests left, and whose databases are gone, no line is among those that are counted."""
    monkeypatch.setattr(logging.getLogger("psycopg.pool"), "disabled", True)


@pytest.fixture
def log(db: Database, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    """What the process that chains logs while five entries are chained, whatever the level."""
    with db.transaction() as tx:
        for number in range(5):
            audit.done(tx, "tested", {"number": number})
    configure("error")
    auditing.keep(db)
    file = tmp_path / "beat.log"
    file.write_text(capfd.readouterr().err)
    assert len(file.read_text().splitlines()) == 5
    return file


def tamper(db: Database, *commands: str) -> None:
    with db.transaction() as tx:
        tx.execute("SET LOCAL session_replication_role = replica")
        for command in commands:
            tx.execute(command.encode())


def verified(run: Run, *options: str) -> tuple[int, Mapping[str, object] | None]:
    result = run("audit", "verify", "--json", *options)
    return result.exit_code, json.loads(result.stdout)["broken"]


def test_a_command_is_listed_with_the_user_and_the_host(run: Run) -> None:
    run("keys", "create", "one")

    (entry,) = json.loads(run("audit", "list", "--event", "key_created", "--json").stdout)

    assert entry["actor"] == "shipd keys"
    assert {"user", "host", "command"} <= set(entry["origin"])
    assert entry["position"] is None
    assert "user=" in run("audit", "list").stdout


def test_what_nobody_touched_is_verified(run: Run, db: Database, log: Path) -> None:
    head = run("audit", "head").stdout.strip()

    result = run("audit", "verify", "--head", head, "--log", str(log))

    assert (result.exit_code, head.partition(":")[0]) == (0, "5")
    assert f"5 entries are as they were written, up to {head}" in result.stdout
    assert verified(run, "--from", "3") == (0, None)
    with db.transaction() as tx:
        audit.done(tx, "tested", {})
    assert "1 are not chained yet" in run("audit", "verify").stdout
    assert json.loads(run("audit", "head", "--json").stdout)["position"] == 5


def test_what_was_changed_is_named(run: Run, db: Database, log: Path) -> None:
    tamper(db, "UPDATE audit_log SET actor = 'nobody' WHERE position = 2")

    result = run("audit", "verify")

    assert result.exit_code == 1
    assert result.stdout.startswith("BROKEN at position 2, changed: tested of ")
    assert "1 entries before it are as they were written" in result.stdout


def test_an_end_that_was_cut_off_with_the_head_is_told_by_the_log(run: Run, db: Database, log: Path) -> None:
    head = run("audit", "head").stdout.strip()
    tamper(db, "DELETE FROM audit_log WHERE position = 5")
    code, broken = verified(run)
    assert (code, broken and broken["fault"]) == (1, "cut")

    tamper(
        db,
        "UPDATE audit_head SET (position, hash, logged) = (SELECT position, hash, 4 FROM audit_log WHERE position = 4)",
    )

    assert verified(run) == (0, None)
    for options in (["--log", str(log)], ["--head", head]):
        code, broken = verified(run, *options)
        assert (code, broken and (broken["position"], broken["fault"])) == (1, (5, "cut"))


def test_a_chain_made_anew_is_told_by_the_log(run: Run, db: Database, log: Path) -> None:
    tamper(
        db,
        "UPDATE audit_log SET position = NULL, hash = NULL",
        "UPDATE audit_log SET actor = 'nobody' WHERE details ->> 'number' = '1'",
        "UPDATE audit_head SET position = 0, hash = decode(repeat('00', 32), 'hex'), logged = 0",
    )
    configure("error")  # a command's stderr is closed at its end
    auditing.keep(db)
    assert verified(run) == (0, None)

    code, broken = verified(run, "--log", str(log))

    assert (code, broken and (broken["position"], broken["fault"])) == (1, (2, "anew"))


def test_a_chain_whose_end_is_gone_is_cut(run: Run, db: Database, log: Path) -> None:
    tamper(db, "DELETE FROM audit_head")

    code, broken = verified(run)

    assert (code, broken and (broken["position"], broken["fault"])) == (1, (6, "cut"))
    assert "audit_head has no row" in run("audit", "head").stderr


def test_what_cannot_be_compared_is_refused(run: Run, db: Database, log: Path, tmp_path: Path) -> None:
    head = f"2:{bytes(32).hex()}"
    nothing = tmp_path / "other.log"
    nothing.write_text("swept\n")
    file = tmp_path / "part.jsonl"
    file.write_text("".join(run("audit", "export").stdout.splitlines(keepends=True)[3:]))
    for options, said in (
        (["--from", "4", "--head", head], "--head 2:... lies before 4"),
        (["--file", str(file), "--head", head], "--head 2:... lies before 4"),
        (["--log", str(nothing)], "has no entry of what is verified"),
    ):
        result = run("audit", "verify", *options)
        assert result.exit_code == 2
        assert said in " ".join(result.stderr.split())
    result = run("audit", "verify", "--from", "5", "--log", str(log), "--json")
    assert json.loads(result.stdout)["compared_with"] == 3  # 4, which it follows from, 5, and the database's own head


def test_what_a_log_lacks_is_named(run: Run, log: Path) -> None:
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([lines[0], *lines[3:]]))

    assert "The log does not have 2 to 3" in run("audit", "verify", "--log", str(log)).stdout
    assert json.loads(run("audit", "verify", "--log", str(log), "--json").stdout)["log_gaps"] == [[2, 3]]


@pytest.mark.parametrize("when", ["write", "flush"])
def test_what_is_not_written_is_told_to_the_log_again(
    db: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], when: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with db.transaction() as tx:
        audit.done(tx, "tested", {})
    with monkeypatch.context() as broken:
        broken.setattr(sys, "stderr", SimpleNamespace(**{"write": len, "flush": list, when: full}))
        configure("info")
        with pytest.raises(OSError, match="No space left"):
            auditing.keep(db)
    configure("info")
    auditing.keep(db)

    (line,) = capfd.readouterr().err.splitlines()
    assert json.loads(line)["entry"]["position"] == 1


def test_an_export_is_verified_without_a_database(run: Run, db: Database, log: Path, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text(run("audit", "export", "--since", "2026-01-01").stdout)
    assert len(file.read_text().splitlines()) == 5
    assert len(json.loads(run("audit", "export", "--json").stdout)) == 5
    assert run("audit", "export", "--until", "2026-01-01").stdout == ""
    assert run("audit", "export", "--until", "2026-01-01", "--json").stdout == "[]\n"
    as_list = tmp_path / "audit.json"
    as_list.write_text(run("audit", "export", "--format", "json").stdout)
    assert verified(run, "--file", str(as_list)) == (0, None)
    configure("error")
    auditing.keep(db)
    assert [entry.event for entry in audit.latest(db, 5)] == ["audit_exported"] * 5

    assert verified(run, "--file", str(file), "--log", str(log)) == (0, None)

    part = tmp_path / "part.jsonl"
    part.write_text("".join(file.read_text().splitlines(keepends=True)[2:]))
    assert verified(run, "--file", str(part)) == (0, None)
    file.write_text(file.read_text().replace('"number":3', '"number":7'))
    code, broken = verified(run, "--file", str(file))
    assert (code, broken and (broken["position"], broken["fault"])) == (1, (4, "changed"))
    part.write_text("no JSON\n")
    assert "line 1 is no line of an export" in run("audit", "verify", "--file", str(part)).stderr


def test_a_head_that_is_none_is_refused(run: Run) -> None:
    result = run("audit", "verify", "--head", "5")

    assert result.exit_code == 2
    assert "'5' is not POSITION:HASH" in result.stderr
