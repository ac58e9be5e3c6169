from pathlib import Path

import pytest

from domain.blob_folder import FolderBlobs
from domain.blobs import BlobMissing, BlobStore
from domain.payload import INLINE_BYTES, Payload, load


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return FolderBlobs(tmp_path)


def test_it_works(blobs: BlobStore) -> None:
    kept = Payload.keep(b"short", blobs)

    assert kept.columns == (b"short", None)
    assert kept.load(blobs) == b"short"


@pytest.mark.parametrize(("size", "inline"), [(0, True), (INLINE_BYTES, True), (INLINE_BYTES + 1, False)])
def test_long_values_go_to_the_blob_store(blobs: BlobStore, size: int, inline: bool) -> None:
    kept = Payload.keep(bytes(size), blobs)

    assert (kept.inline is not None) == inline
    assert (kept.sha256 is None) == inline
    assert load(*kept.columns, blobs) == bytes(size)


def test_no_value_stays_none_and_differs_from_an_empty_one(blobs: BlobStore) -> None:
    assert Payload.keep(None, blobs).columns == (None, None)
    assert Payload().load(blobs) is None
    assert Payload.keep(b"", blobs).load(blobs) == b""


def test_a_blob_that_is_gone_is_an_error(blobs: BlobStore) -> None:
    with pytest.raises(BlobMissing):
        Payload(sha256=bytes(32)).load(blobs)
