"""Data of a stored problem's test case: loaded when it is run, the same as if it had been sent."""

from dataclasses import replace
from pathlib import Path

import pytest

from domain.blobs import BlobStore
from domain.document import Document
from domain.kept_case import KeptCase
from domain.model import Expectation, File, TestCase
from domain.payload import Payload
from sandbox import SandboxError
from tests.unit.workers.making import HELLO, planned
from workers.compile import Compiled
from workers.execution_key import of_case
from workers.loading import loaded

SENT = TestCase(
    0,
    "one",
    b"in",
    (File("a.txt", b"file", 0o600),),
    expected=Expectation(b"out", (File("b.txt", b"written"),), 3),
)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path)


def _by_hash(data: bytes, blobs: BlobStore) -> Payload:
    return Payload(sha256=bytes.fromhex(blobs.put(data)))


def _kept(blobs: BlobStore, stdin: Payload) -> TestCase:
    kept = KeptCase(
        stdin,
        _by_hash(b"out", blobs),
        (Document("a.txt", _by_hash(b"file", blobs), 4, 0o600),),
        (Document("b.txt", Payload(inline=b"written"), 7),),
    )
    return TestCase(0, "one", expected=Expectation(exit_code=3), kept=kept)


def test_it_is_what_was_kept(blobs: BlobStore) -> None:
    assert loaded(_kept(blobs, Payload(inline=b"in")), blobs) == SENT
    assert loaded(_kept(blobs, _by_hash(b"in", blobs)), blobs) == SENT


def test_what_was_sent_is_at_hand(blobs: BlobStore) -> None:
    assert loaded(SENT, blobs) is SENT


def test_nothing_expected_is_nothing(blobs: BlobStore) -> None:
    case = TestCase(0, "one", kept=KeptCase(Payload(inline=b"")))

    assert loaded(case, blobs).expected == Expectation()


def test_data_that_is_gone_is_our_fault(blobs: BlobStore) -> None:
    with pytest.raises(SandboxError, match="cannot be read"):
        loaded(_kept(blobs, Payload(sha256=bytes(32))), blobs)


def test_an_earlier_run_of_the_same_is_found_loaded_or_not(blobs: BlobStore) -> None:
    plan, compiled = planned(), Compiled(HELLO)

    def key(case: TestCase) -> bytes:
        return of_case(b"common", plan, compiled, case)

    assert key(_kept(blobs, _by_hash(b"in", blobs))) == key(SENT)
    assert key(_kept(blobs, Payload(inline=b"in"))) == key(SENT)
    assert key(_kept(blobs, Payload(inline=b"other"))) != key(SENT)
    assert key(replace(_kept(blobs, Payload(inline=b"in")), is_hidden=True)) != key(SENT)
