"""Problems as they are read: whose, which version, and who looked at secrets."""

from dataclasses import replace
from uuid import UUID

import pytest

from domain import audit, keys, problem_reading, problems
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import NotFound
from domain.problem import VersionState, Visibility
from domain.problem_reading import Viewer
from tests.integration.domain.stored import LONG, PROGRAM, SUM, text

PUBLIC = replace(SUM, visibility=Visibility.PUBLIC)
CHECKED = replace(SUM, title="Newer", input_validators=(PROGRAM,))


@pytest.fixture
def other(db: Database) -> Viewer:
    found = keys.verify(db, keys.create(db, name="other", role="submitter"))
    assert found is not None
    return Viewer(found.id)


def test_others_see_the_newest_that_is_ready(db: Database, blobs: BlobStore, owner: UUID, other: Viewer) -> None:
    problems.create(db, blobs, PUBLIC, owner_id=owner)
    made = problems.create(db, blobs, CHECKED, owner_id=owner)

    assert problem_reading.view(db, blobs, "sum", other).content.title == "Sum"
    assert problem_reading.view(db, blobs, "sum", Viewer(owner), number=2).content.title == "Newer"
    with pytest.raises(NotFound):
        problem_reading.view(db, blobs, "sum", other, number=1)
    problems.checked(db, made.version_id, ok=True, report=[])
    assert problem_reading.view(db, blobs, "sum", other).content.title == "Newer"


def test_what_is_not_ready_is_seen_by_its_author_alone(
    db: Database, blobs: BlobStore, owner: UUID, other: Viewer
) -> None:
    problems.create(db, blobs, replace(CHECKED, visibility=Visibility.PUBLIC), owner_id=owner)

    with pytest.raises(NotFound):
        problem_reading.view(db, blobs, "sum", other)
    assert problem_reading.page(db, other, after="", limit=10) == []
    (entry,) = problem_reading.page(db, Viewer(owner), after="", limit=10)
    assert entry.version.state is VersionState.CHECKING


def test_lists_are_of_what_one_may_see(db: Database, blobs: BlobStore, owner: UUID, other: Viewer) -> None:
    for name, visibility in (("a", Visibility.PUBLIC), ("b", Visibility.PRIVATE), ("c", Visibility.PUBLIC)):
        problems.create(db, blobs, replace(SUM, id=name, visibility=visibility), owner_id=owner)
    problems.delete(db, "c", owner)

    def names(viewer: Viewer, after: str = "", limit: int = 10) -> list[str]:
        return [entry.id for entry in problem_reading.page(db, viewer, after=after, limit=limit)]

    assert names(other) == ["a"]
    assert names(Viewer(owner)) == ["a", "b"]
    assert names(replace(other, sees_all=True)) == ["a", "b"]
    assert names(Viewer(owner), after="a", limit=1) == ["b"]


def test_it_is_noted_who_reads_secrets(db: Database, blobs: BlobStore, owner: UUID, other: Viewer) -> None:
    problems.create(db, blobs, PUBLIC, owner_id=owner)
    with pytest.raises(NotFound):
        problem_reading.view(db, blobs, "sum", other, reveal=True)
    assert {entry.event for entry in audit.latest(db, 10)} == {"problem_version_created"}

    problem_reading.view(db, blobs, "sum", replace(other, sees_all=True), number=1, reveal=True)

    entry, _created = audit.latest(db, 10)
    assert (entry.event, entry.actor) == (audit.HIDDEN_READ, str(other.id))
    assert entry.details == {"problem_id": "sum", "version": 1}


def test_documents_are_opened(db: Database, blobs: BlobStore, owner: UUID) -> None:
    problems.create(db, blobs, SUM, owner_id=owner)
    viewer = Viewer(owner)

    statement = problem_reading.statement(db, "sum", viewer, None)
    attachment = problem_reading.attachment(db, "sum", viewer, "starter/main.py")

    assert statement is not None
    assert attachment is not None
    with problem_reading.opened(statement.files[0], blobs).file as file:
        assert file.read() == LONG
    with problem_reading.opened(attachment, blobs).file as file:
        assert file.read() == b"print()\n"
    assert problem_reading.statement(db, "sum", viewer, "de") is None
    assert problem_reading.attachment(db, "sum", viewer, "nothing") is None


@pytest.mark.parametrize(
    ("data", "is_text", "truncated"),
    [
        (b"short", True, False),
        (b"\xff", False, False),
        ("é".encode() * 40_000, True, True),
        (b"a" + b"\xff" * 70_000, False, True),
    ],
)
def test_data_is_shown_from_its_beginning(blobs: BlobStore, data: bytes, is_text: bool, truncated: bool) -> None:
    kept = [text(data), text(data)]
    kept[1] = type(kept[1])(sha256=bytes.fromhex(blobs.put(data)))

    for payload in kept:
        found = problem_reading.shown(payload, blobs)
        assert found is not None
        assert (found.size_bytes, found.is_text, found.truncated) == (len(data), is_text, truncated)
        assert data.startswith(found.head)
