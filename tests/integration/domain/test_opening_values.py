import io
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from domain import executions, values
from domain.blobs import BlobMissing, BlobStore
from domain.db import Database
from domain.errors import NotFound
from domain.ids import new_id
from domain.model import Artifact, Claim, TestCase, TestResult
from domain.values import Stream, Whole
from domain.verdict import Verdict
from domain.views import SubmissionView
from tests.integration.domain.graded import HELLO, OUTCOME

LONG = b"long" * 50_000
HIDDEN, SKIPPED = 1, 2


@pytest.fixture
def graded(db: Database, blobs: BlobStore, take: Callable[..., Claim], submit: Callable[..., SubmissionView]) -> UUID:
    """The id of a submission with a visible, a hidden and a skipped test case."""
    cases = (TestCase(0, "1"), TestCase(HIDDEN, "2", is_hidden=True), TestCase(SKIPPED, "3"))
    claim = take(submit(replace(HELLO, test_cases=cases)))
    files = (Artifact("out/ü.txt", 3, blobs.put(b"abc")), Artifact("lost", 1, "ab" * 32))
    result = TestResult(0, Verdict.OK, stdout=LONG, stderr=b"\xff", artifacts=files)
    skipped = TestResult(SKIPPED, None, "skipped")
    executions.record(db, blobs, claim, [result, replace(result, ordinal=HIDDEN), skipped])
    executions.finish(db, blobs, claim, replace(OUTCOME, compile_output=b"warning"))
    return claim.submission_id


def read(whole: Whole) -> bytes:
    with whole.file:
        data = whole.file.read()
    assert len(data) == whole.size_bytes
    return data


def test_it_works(db: Database, blobs: BlobStore, graded: UUID, owner: UUID) -> None:
    assert read(values.stream(db, blobs, graded, owner, ordinal=0, name=Stream.STDOUT)) == LONG
    assert read(values.stream(db, blobs, graded, owner, ordinal=0, name=Stream.STDERR)) == b"\xff"
    assert read(values.compile_output(db, blobs, graded, owner)) == b"warning"
    assert read(values.artifact(db, blobs, graded, owner, ordinal=0, path="out/ü.txt")) == b"abc"


def test_a_long_value_is_a_file_yet_to_be_read(db: Database, blobs: BlobStore, graded: UUID) -> None:
    whole = values.stream(db, blobs, graded, None, ordinal=0, name=Stream.STDOUT)

    with whole.file:
        assert isinstance(whole.file, io.BufferedReader)
        assert whole.file.tell() == 0


@pytest.mark.parametrize("ordinal", [HIDDEN, SKIPPED, 3, -1, 10**20])
@pytest.mark.parametrize("name", [*Stream])
def test_it_opens_no_output_of_hidden_skipped_or_unknown_cases(
    db: Database, blobs: BlobStore, graded: UUID, ordinal: int, name: Stream
) -> None:
    with pytest.raises(NotFound, match=f"there is no result {ordinal} to be read"):
        values.stream(db, blobs, graded, None, ordinal=ordinal, name=name)


@pytest.mark.parametrize(
    ("ordinal", "path"),
    [(HIDDEN, "out/ü.txt"), (3, "out/ü.txt"), (0, "out"), (0, "../out/ü.txt"), (0, "\0"), (0, "\udcff"), (0, "%")],
)
def test_it_opens_no_other_artifact(db: Database, blobs: BlobStore, graded: UUID, ordinal: int, path: str) -> None:
    with pytest.raises(NotFound, match=f"test case {ordinal} has no artifact"):
        values.artifact(db, blobs, graded, None, ordinal=ordinal, path=path)


def test_nobody_opens_what_is_anothers(db: Database, blobs: BlobStore, graded: UUID, owner: UUID) -> None:
    for submission_id, asking in ((graded, new_id()), (new_id(), owner), (new_id(), None)):
        with pytest.raises(NotFound):
            values.stream(db, blobs, submission_id, asking, ordinal=0, name=Stream.STDOUT)
        with pytest.raises(NotFound):
            values.compile_output(db, blobs, submission_id, asking)
        with pytest.raises(NotFound):
            values.artifact(db, blobs, submission_id, asking, ordinal=0, path="out/ü.txt")


def test_there_is_no_compile_output_where_nothing_was_compiled(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]
) -> None:
    with pytest.raises(NotFound, match="nothing was compiled"):
        values.compile_output(db, blobs, submit().id, None)


def test_a_lost_blob_is_an_error(db: Database, blobs: BlobStore, graded: UUID) -> None:
    with pytest.raises(BlobMissing):
        values.artifact(db, blobs, graded, None, ordinal=0, path="lost")
