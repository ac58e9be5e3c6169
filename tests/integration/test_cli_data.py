"""`shipd data`, as an operator types it."""

import json
from collections.abc import Callable

from click.testing import Result

from domain import audit_chain
from domain.blobs import BlobStore
from domain.db import Database
from domain.views import SubmissionView
from tests.integration.domain.test_partitions import grade

Run = Callable[..., Result]


def test_a_partition_is_archived_dropped_and_restored(
    run: Run, db: Database, blobs: BlobStore, submit: Callable[[], SubmissionView]
) -> None:
    view = submit()
    grade(db, blobs, view.execution.id)
    audit_chain.extend(db)

    assert "would be archived" in run("data", "archive", "first", "--dry-run").output
    assert run("data", "drop", "first", "--yes").exit_code == 1  # nothing is archived yet
    archived = json.loads(run("data", "archive", "first", "--json").output)
    assert (archived["state"], archived["executions"], archived["submissions"]) == ("archived", 1, 1)

    assert "would be dropped, and 1 submissions" in run("data", "drop", "first", "--dry-run").output
    assert run("data", "drop", "first").exit_code == 2  # there is no terminal to ask at
    assert run("submissions", "show", str(view.id)).exit_code == 0
    assert run("data", "drop", "first", "--yes").exit_code == 0
    gone = run("submissions", "show", str(view.id))
    assert gone.exit_code == 1
    assert "is archived" in gone.output

    listed = json.loads(run("data", "partitions", "--json").output)
    assert "first" not in {one["name"] for one in listed["partitions"]}
    assert [one["state"] for one in listed["archives"]] == ["dropped"]
    assert "dropped" in run("data", "partitions").output

    assert run("data", "restore", "first").exit_code == 0
    assert run("submissions", "show", str(view.id)).exit_code == 0
    assert run("data", "restore", "first").exit_code == 1


def test_what_is_not_there_is_said(run: Run) -> None:
    found = run("data", "archive", "p19990101")

    assert found.exit_code == 1
    assert "there is no partition p19990101" in found.output


def test_the_default_partition_is_never_archived(run: Run) -> None:
    found = run("data", "archive", "default")

    assert found.exit_code == 1
    assert "never archived" in found.output
