from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import outputs
from domain.blob_folder import FolderBlobs
from domain.blobs import BlobStore
from domain.payload import INLINE_BYTES
from domain.views import Shown
from tests.shown import is_utf8

NAMES = outputs.columns("stdout")


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return FolderBlobs(tmp_path)


def test_it_works(blobs: BlobStore) -> None:
    row = dict(zip(NAMES, outputs.keep("é".encode(), blobs), strict=True))

    assert row == {
        "stdout": b"\xc3\xa9",
        "stdout_sha256": None,
        "stdout_size_bytes": 2,
        "stdout_is_text": True,
    }
    assert outputs.show(row, NAMES, 10, blobs) == Shown(b"\xc3\xa9", 2, is_text=True)


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, INLINE_BYTES, INLINE_BYTES + 1])
def test_it_reads_no_more_than_is_shown(blobs: BlobStore, size: int) -> None:
    data = b"\xff" * size

    shown = outputs.show(dict(zip(NAMES, outputs.keep(data, blobs), strict=True)), NAMES, 10, blobs)

    assert shown == Shown(data[:10], size, is_text=not size)
    assert shown.truncated == (size > 10)


def test_no_output_is_not_an_empty_one(blobs: BlobStore) -> None:
    nothing = outputs.keep(None, blobs)

    assert nothing == (None, None, None, None)
    assert outputs.show(dict(zip(NAMES, nothing, strict=True)), NAMES, 10, blobs) is None
    assert outputs.keep(b"", blobs) == (b"", None, 0, True)


_PIECES = st.lists(st.binary(max_size=3) | st.text(max_size=3).map(str.encode)).map(b"".join)


@given(_PIECES, st.integers(min_value=0, max_value=3))
@example("€".encode() * 2, 1)
@example("€".encode()[:2], 0)
def test_it_knows_text_also_where_a_chunk_ends_within_a_character(data: bytes, before: int) -> None:
    value = b"x" * (1024 * 1024 - before) + data

    assert outputs.is_utf8(data) == outputs.is_utf8(value) == is_utf8(data)
