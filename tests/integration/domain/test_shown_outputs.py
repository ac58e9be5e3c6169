"""How much of outputs is read for an answer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from domain import executions, submissions
from domain.blob_folder import FolderBlobs
from domain.blobs import BlobMissing
from domain.db import Database
from domain.limits import MAX_SHOWN_BYTES, MAX_SHOWN_TOGETHER_BYTES, MIN_SHOWN_BYTES
from domain.model import Claim, TestCase, TestResult
from domain.verdict import Verdict
from domain.views import ResultView, Shown, SubmissionView
from tests.integration.domain.graded import HELLO, OUTCOME
from tests.shown import shown, shown_result

LONG = b"x" * (MAX_SHOWN_BYTES + 1)
AT_MOST = b"y" * MAX_SHOWN_BYTES
FILLING = MAX_SHOWN_TOGETHER_BYTES // (2 * MAX_SHOWN_BYTES)
"""As many test cases with long stdout and stderr come to the most that is shown together."""

Record = Callable[..., Claim]


class WatchedBlobs(FolderBlobs):
    """Knows what was opened."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.opened: list[str] = []

    def open(self, sha256: str) -> BinaryIO:
        self.opened.append(sha256)
        return super().open(sha256)


@pytest.fixture
def blobs(tmp_path: Path) -> WatchedBlobs:
    return WatchedBlobs(tmp_path / "blobs")


@pytest.fixture
def record(
    db: Database, blobs: WatchedBlobs, take: Callable[..., Claim], submit: Callable[..., SubmissionView]
) -> Record:
    """Record results of as many test cases, those of the ordinals `hidden` being hidden."""

    def of(*results: TestResult, hidden: tuple[int, ...] = ()) -> Claim:
        cases = tuple(TestCase(n, str(n), is_hidden=n in hidden) for n in range(len(results)))
        claim = take(submit(replace(HELLO, test_cases=cases)))
        assert executions.record(db, blobs, claim, results)
        blobs.opened.clear()
        return claim

    return of


def wordy(ordinal: int, output: bytes = AT_MOST) -> TestResult:
    return TestResult(ordinal, Verdict.OK, stdout=output, stderr=output)


def read(db: Database, blobs: FolderBlobs, claim: Claim) -> tuple[ResultView, ...]:
    return submissions.get(db, blobs, claim.submission_id, None).execution.results


def test_it_works(db: Database, blobs: WatchedBlobs, record: Record) -> None:
    claim = record(TestResult(0, Verdict.OK, stdout=LONG, stderr=AT_MOST))

    (result,) = read(db, blobs, claim)

    assert result.stdout == Shown(b"x" * MAX_SHOWN_BYTES, MAX_SHOWN_BYTES + 1, is_text=True)
    assert result.stderr == Shown(AT_MOST, MAX_SHOWN_BYTES, is_text=True)
    assert (result.stdout.truncated, result.stderr.truncated) == (True, False)
    assert len(blobs.opened) == 1


@pytest.mark.parametrize("tail", [b"\xff", b"\xc3", b"\xed\xa0\x80"])
def test_it_knows_of_the_whole_that_it_is_no_text(
    db: Database, blobs: WatchedBlobs, record: Record, tail: bytes
) -> None:
    claim = record(TestResult(0, Verdict.OK, stdout=LONG + tail, stderr="é".encode() * MAX_SHOWN_BYTES))

    (result,) = read(db, blobs, claim)

    assert result.stdout is not None
    assert result.stderr is not None
    assert (result.stdout.is_text, result.stderr.is_text) == (False, True)


def test_it_opens_no_output_that_is_hidden_or_was_skipped(db: Database, blobs: WatchedBlobs, record: Record) -> None:
    results = (wordy(0, LONG), TestResult(1, None, "skipped"), wordy(2, b"secret"))
    claim = record(*results, hidden=(0, 2))

    found = read(db, blobs, claim)

    assert found == tuple(shown_result(result, is_hidden=True) for result in results)
    assert [(result.stdout, result.stderr) for result in found] == [(None, None)] * 3
    assert blobs.opened == []


def test_what_follows_eight_mebibytes_is_cut_shorter(db: Database, blobs: WatchedBlobs, record: Record) -> None:
    results = [wordy(n) for n in range(FILLING + 1)] + [wordy(FILLING + 1, LONG), wordy(FILLING + 2, b"short")]
    claim = record(*results)

    found = read(db, blobs, claim)

    assert found == (
        *(shown_result(result) for result in results[:FILLING]),
        *(shown_result(result, limit=MIN_SHOWN_BYTES) for result in results[FILLING:]),
    )


def test_outputs_of_hidden_cases_do_not_shorten_the_others(db: Database, blobs: WatchedBlobs, record: Record) -> None:
    results = [wordy(n) for n in range(FILLING + 2)]
    claim = record(*results, hidden=(0, 1))

    found = read(db, blobs, claim)

    assert found[2:] == tuple(shown_result(result) for result in results[2:])


def test_it_shows_the_beginning_of_what_a_compiler_said(
    db: Database, blobs: WatchedBlobs, take: Callable[..., Claim]
) -> None:
    claim = take()
    executions.finish(db, blobs, claim, replace(OUTCOME, compile_output=LONG))

    assert submissions.get(db, blobs, claim.submission_id, None).execution.compile_output == shown(LONG)


def test_a_blob_that_is_gone_is_an_error(db: Database, blobs: WatchedBlobs, record: Record) -> None:
    claim = record(wordy(0, LONG))
    blobs.folder.rename(blobs.folder.with_name("gone"))

    with pytest.raises(BlobMissing):
        read(db, blobs, claim)
