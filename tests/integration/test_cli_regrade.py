"""`shipd regrade` on real servers: what it asks, prints and answers with."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from app import cli_regrade
from app.cli import main
from domain import audit, regrade
from domain.blobs import BlobStore
from domain.db import Database
from domain.views import SubmissionView
from tests.integration.domain.regrading import FAILED, PASSED, WRONG, Hands

Run = Callable[..., Result]


@pytest.fixture
def hands(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> Hands:
    return Hands(db, blobs, submit)


def _json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_nothing_is_asked_where_nothing_is_selected(run: Run, db: Database) -> None:
    answer = run("regrade", "start", "--problem", "unknown")
    assert (answer.exit_code, "Grade them again?" in answer.output) == (1, False)
    assert regrade.page(db, before=None, limit=10) == []


def test_it_works(run: Run, hands: Hands, db: Database) -> None:
    own = [hands.graded(PASSED, problem_id="p", user_id="=1+1") for _ in range(3)]
    assert _json(run("regrade", "start", "--problem", "p", "--dry-run", "--json"))["selected"] == 3

    made = _json(run("regrade", "start", "--problem", "p", "--rate", "3", "--yes", "--json"))
    assert (made["state"], made["made_by"], made["options"]["at_once"]) == ("running", "shipd regrade", 3)
    for execution_id in _candidates(db):
        hands.grade(execution_id, {own[0]: WRONG, own[1]: FAILED}.get(hands.submission_of(execution_id), PASSED))
    hands.regrade({})

    shown = _json(run("regrade", "show", made["id"], "--json"))
    assert (shown["state"], shown["counts"]["changed"], shown["counts"]["failed"]) == ("ready", 2, 1)
    assert {"old": "AC", "new": "JE", "count": 1} in shown["matrix"]
    told = run("regrade", "diff", made["id"]).stdout
    assert "AC -> WA stdout" in told
    assert "JE!" in told
    lines = list(csv.DictReader(io.StringIO(run("regrade", "diff", made["id"], "--csv", "--all").stdout)))
    assert {(line["submission_id"], line["new_verdict"]) for line in lines} == {
        (str(own[0]), "WA"),
        (str(own[1]), "JE"),
        (str(own[2]), "AC"),
    }
    assert {line["user_id"] for line in lines} == {"'=1+1"}
    assert len(_json(run("regrade", "diff", made["id"], "--json"))["items"]) == 2
    watched = run("regrade", "watch", made["id"], "--json")
    assert (watched.exit_code, json.loads(watched.stdout)["state"]) == (0, "ready")

    assert run("regrade", "apply", made["id"], "--yes").stdout.endswith("is applied: 3 of 3 done, 2 applied.\n")
    refused = run("regrade", "discard", made["id"], "--yes")
    assert (refused.exit_code, "was applied" in refused.output) == (1, True)
    assert _json(run("regrade", "list", "--json"))["regrades"][0]["state"] == "applied"
    assert "applied" in run("regrade", "list").stdout
    assert [entry.actor for entry in audit.latest(db, 9)] == ["shipd regrade"] * 2


def _candidates(db: Database) -> list[UUID]:
    with db.statement() as tx:
        return [row[0] for row in tx.execute("SELECT id FROM executions WHERE candidate ORDER BY id")]


def test_it_shows_a_dry_run_and_does_nothing_without_a_yes(
    run: Run, hands: Hands, db: Database, database_url: str, redis_url: str
) -> None:
    hands.graded(PASSED, language="cpp@17")

    asked = run("regrade", "start", "--language", "cpp")

    assert asked.exit_code == 1
    assert "cpp" in asked.output
    assert "Grade them again? [y/N]" in asked.output
    assert run("regrade", "start", "--language", "cpp", "--dry-run").exit_code == 0
    assert run("regrade", "start", "--language", "cpp", "--json").exit_code == 2
    assert regrade.page(db, before=None, limit=1) == []


def test_what_selects_nothing_or_everything_is_refused(run: Run, hands: Hands) -> None:
    hands.graded()

    assert "every submission" in run("regrade", "start", "--yes").output
    nothing = run("regrade", "start", "--verdict", "CE", "--yes")
    assert (nothing.exit_code, "selects no submission" in nothing.output) == (1, True)
    assert run("regrade", "start", "--from", "soon").exit_code == 2
    assert run("regrade", "start", "--to", "2020-01-01", "--yes").exit_code == 1


def test_ids_may_come_from_standard_input(database_url: str, redis_url: str, hands: Hands) -> None:
    own = hands.many([PASSED, PASSED])
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    arguments = ["regrade", "start", "--ids-from", "-", "--dry-run", "--json"]

    found = CliRunner().invoke(main, arguments, env=environ, input=f"{own[1]}\n\n")
    assert json.loads(found.stdout)["selected"] == 1
    wrong = CliRunner().invoke(main, arguments, env=environ, input="x\n")
    assert (wrong.exit_code, "no id" in wrong.output) == (2, True)


def test_ctrl_c_leaves_it_running_and_says_how_to_come_back(
    run: Run, hands: Hands, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands.graded()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_regrade, "follow", interrupted)
    result = run("regrade", "start", "--verdict", "AC", "--yes")

    (made,) = regrade.page(db, before=None, limit=2)
    assert result.exit_code == 130
    assert f"shipd regrade watch {made.id}" in result.output
    assert made.state == "running"
    assert _json(run("regrade", "pause", str(made.id), "--json"))["state"] == "paused"
    assert "is running" in run("regrade", "resume", str(made.id)).stdout
    asked = run("regrade", "discard", str(made.id))
    assert (asked.exit_code, "for good? [y/N]" in asked.output) == (1, True)
    assert _json(run("regrade", "discard", str(made.id), "--yes", "--json"))["state"] == "discarded"
