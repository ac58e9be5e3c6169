"""Problems as they are kept: versions, states, who may, what is left when one is deleted."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from domain import keys, problems
from domain.blob_folder import FolderBlobs
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Conflict, InvalidRequest, NotFound
from domain.model import File
from domain.problem import Example, Finding, ProblemVersion, VersionState, Visibility
from domain.verdict import Verdict
from tests.integration.domain.stored import LONG, PROGRAM, SAMPLE, SECRET, SUM, easy, with_cases

Rows = Callable[..., list[dict[str, object]]]
VALIDATED = replace(SUM, input_validators=(PROGRAM,), validator_arguments={"secret/1": ("--big",)})


@pytest.fixture
def other(db: Database) -> UUID:
    found = keys.verify(db, keys.create(db, name="other", role="author"))
    assert found is not None
    return found.id


def test_it_comes_back_as_it_was_kept(db: Database, blobs: BlobStore, owner: UUID) -> None:
    example = Example("accepted/a.py", PROGRAM, (Verdict.AC,), (1.0, 2.0))
    version = replace(VALIDATED, examples=(example,))

    made = problems.create(db, blobs, version, owner_id=owner)
    found = problems.load(db, blobs, made.version_id)

    assert (made.problem_id, made.number) == ("sum", 1)
    sample, secret = found.test_cases
    assert sample == SAMPLE
    assert secret.stdin.load(blobs) == LONG
    assert replace(secret, stdin=SECRET.stdin, expected_files=()) == replace(SECRET, expected_files=())
    assert [file.load(blobs) for file in secret.expected_files] == [File("out.txt", LONG)]
    assert found.statements[0].files[0].content.load(blobs) == LONG
    same = ("title", "judging", "checker", "constraints", "language_constraints", "languages", "attachments", "outputs")
    for name in (*same, "metadata", "examples", "input_validators", "validator_arguments", "visibility"):
        assert getattr(found, name) == getattr(version, name), name


def test_long_data_stands_in_the_blob_store_once(db: Database, blobs: FolderBlobs, owner: UUID, rows: Rows) -> None:
    cases = [replace(SECRET, ordinal=n, name=str(n)) for n in range(3)]
    problems.create(db, blobs, with_cases(cases), owner_id=owner)

    found = rows("SELECT DISTINCT stdin, stdin_sha256 FROM problem_cases")

    assert len(found) == 1
    assert found[0]["stdin"] is None
    assert len([path for path in blobs.folder.rglob("*") if path.is_file()]) == 1


def test_a_change_makes_another_version(db: Database, blobs: BlobStore, owner: UUID) -> None:
    first = problems.create(db, blobs, SUM, owner_id=owner)
    second = problems.create(db, blobs, replace(SUM, title="Sums"), owner_id=owner)

    assert (first.number, second.number) == (1, 2)
    assert problems.load(db, blobs, first.version_id).title == "Sum"


def test_versions_at_once_get_numbers_of_their_own(
    db: Database, blobs: BlobStore, owner: UUID, at_once: Callable[..., list[problems.Made]]
) -> None:
    made = at_once(4, lambda _: problems.create(db, blobs, SUM, owner_id=owner))

    assert sorted(one.number for one in made) == [1, 2, 3, 4]


def test_an_id_of_somebody_else_is_refused(db: Database, blobs: BlobStore, owner: UUID, other: UUID) -> None:
    problems.create(db, blobs, SUM, owner_id=owner)

    with pytest.raises(Conflict):
        problems.create(db, blobs, SUM, owner_id=other)
    assert problems.create(db, blobs, SUM, owner_id=other, anybodys=True).number == 2


def test_what_is_unfit_is_refused_with_all_its_faults(db: Database, blobs: BlobStore, owner: UUID) -> None:
    wrong = replace(SUM, id="A sum", title="", test_cases=(SAMPLE, SAMPLE))

    with pytest.raises(InvalidRequest) as refusal:
        problems.create(db, blobs, wrong, owner_id=owner)

    assert [problem.field for problem in refusal.value.problems] == ["id", "title", "test_cases[1].name"]


@pytest.mark.parametrize(("version", "state"), [(SUM, VersionState.READY), (VALIDATED, VersionState.CHECKING)])
def test_only_what_has_programs_is_sent_to_be_checked(
    db: Database, blobs: BlobStore, owner: UUID, version: ProblemVersion, state: VersionState
) -> None:
    sent: list[UUID] = []

    made = problems.create(db, blobs, version, owner_id=owner, check=sent.append)

    assert made.state is state
    assert sent == ([made.version_id] if state is VersionState.CHECKING else [])


def test_a_check_ends_once(db: Database, blobs: FolderBlobs, owner: UUID, rows: Rows) -> None:
    made = problems.create(db, blobs, VALIDATED, owner_id=owner)

    assert problems.at_work(db, made.version_id)
    assert problems.checked(db, made.version_id, ok=False, report=[Finding("compile", "check.py", ok=False)])
    assert not problems.checked(db, made.version_id, ok=True, report=[])
    assert not problems.at_work(db, made.version_id)

    (row,) = rows("SELECT state, report FROM problem_versions")
    assert row["state"] == "refused"
    assert row["report"] == [{"stage": "compile", "name": "check.py", "ok": False, "message": ""}]


def test_a_check_that_hangs_is_sent_again(db: Database, blobs: FolderBlobs, owner: UUID, rows: Rows) -> None:
    made = problems.create(db, blobs, VALIDATED, owner_id=owner)
    assert problems.sweep(db, message_lost_s=60) == []
    rows("UPDATE problem_versions SET sent_at = now() - interval '2 min'")

    assert problems.sweep(db, message_lost_s=60) == [made.version_id]
    assert problems.sweep(db, message_lost_s=60) == []


def test_a_new_version_leaves_who_sees_it(db: Database, blobs: FolderBlobs, owner: UUID, rows: Rows) -> None:
    problems.create(db, blobs, replace(SUM, visibility=Visibility.PUBLIC), owner_id=owner)
    problems.create(db, blobs, SUM, owner_id=owner)
    assert rows("SELECT visibility FROM problems") == [{"visibility": "public"}]

    problems.show_to(db, "sum", owner, Visibility.PRIVATE)

    assert rows("SELECT visibility FROM problems") == [{"visibility": "private"}]


def test_what_nobody_used_is_gone_with_all_its_rows(db: Database, blobs: FolderBlobs, owner: UUID, rows: Rows) -> None:
    problems.create(db, blobs, SUM, owner_id=owner)

    problems.delete(db, "sum", owner)

    assert rows("SELECT 1 FROM problems") == rows("SELECT 1 FROM problem_versions") == []
    assert rows("SELECT 1 FROM problem_cases") == rows("SELECT 1 FROM problem_case_files") == []
    assert rows("SELECT 1 FROM problem_documents") == []


def test_nobody_deletes_what_is_not_theirs(db: Database, blobs: BlobStore, owner: UUID, other: UUID) -> None:
    problems.create(db, blobs, SUM, owner_id=owner)

    with pytest.raises(NotFound):
        problems.delete(db, "sum", other)
    with pytest.raises(NotFound):
        problems.show_to(db, "sum", other, Visibility.PUBLIC)
    problems.delete(db, "sum", None)


def test_what_was_deleted_comes_back_as_its_owner_says(
    db: Database, blobs: FolderBlobs, owner: UUID, rows: Rows
) -> None:
    made = problems.create(db, blobs, replace(easy(), visibility=Visibility.PUBLIC), owner_id=owner)
    rows("UPDATE problems SET deleted_at = now()")

    again = problems.create(db, blobs, easy(), owner_id=owner)

    assert again.number == made.number + 1
    assert rows("SELECT visibility, deleted_at FROM problems") == [{"visibility": "private", "deleted_at": None}]


def test_so_many_versions_of_an_author_are_checked_at_a_time(
    db: Database, blobs: BlobStore, owner: UUID, other: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "MOST_CHECKING", 2)
    made = [problems.create(db, blobs, VALIDATED, owner_id=owner) for _ in range(2)]

    with pytest.raises(Conflict, match="are being checked"):
        problems.create(db, blobs, VALIDATED, owner_id=owner)
    problems.create(db, blobs, replace(VALIDATED, id="other"), owner_id=other)
    problems.create(db, blobs, replace(SUM, id="easy"), owner_id=owner)
    assert problems.checked(db, made[0].version_id, True, ())
    problems.create(db, blobs, VALIDATED, owner_id=owner)
