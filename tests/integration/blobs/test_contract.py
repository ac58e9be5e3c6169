"""What both forms of the blob store promise."""

import hashlib
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.blobs import BlobDamaged, BlobMissing, BlobStore, BlobTooLarge

UNKNOWN = "0" * 64
MIB = 1024 * 1024
SIZES = [0, 1, 64 * 1024, 64 * 1024 + 1, 6 * MIB + 7]
Spoil = Callable[[str, bytes], None]


@pytest.mark.parametrize("size", SIZES)
def test_it_gives_back_what_it_was_given(store: BlobStore, size: int) -> None:
    data = os.urandom(size)

    sha256 = store.put(data)

    assert sha256 == hashlib.sha256(data).hexdigest()
    assert store.get(sha256) == data
    assert store.size(sha256) == size
    with store.open(sha256) as file:
        assert file.read() == data


@pytest.mark.parametrize("size", SIZES)
def test_it_keeps_a_stream(store: BlobStore, size: int) -> None:
    data = os.urandom(size)

    assert store.put_stream(io.BytesIO(data), size) == (hashlib.sha256(data).hexdigest(), size)
    assert store.get(hashlib.sha256(data).hexdigest()) == data


def test_parts_of_it_may_be_read(store: BlobStore) -> None:
    data = os.urandom(3 * MIB)
    with store.open(store.put(data)) as file:
        assert file.read(10) == data[:10]
        assert file.read(2 * MIB) == data[10 : 2 * MIB + 10]
        assert file.seek(-5, os.SEEK_END) == 3 * MIB - 5
        assert file.read(100) == data[-5:]
        assert file.seek(1000) == file.tell() == 1000
        assert file.read(1) == data[1000:1001]


def test_the_same_bytes_are_kept_once(store: BlobStore) -> None:
    first = store.put(b"x")

    assert store.put(b"x") == store.put_stream(io.BytesIO(b"x"), 1)[0] == first
    assert list(store.ids()) == [(first, 1)]


def test_many_writers_and_readers_of_the_same_do_no_harm(store: BlobStore) -> None:
    data = os.urandom(200_000)
    with ThreadPoolExecutor(8) as threads:
        read = set(threads.map(lambda _: store.get(store.put(data)), range(24)))

    assert read == {data}


def test_a_stream_may_be_as_long_as_its_limit_and_no_longer(store: BlobStore) -> None:
    with pytest.raises(BlobTooLarge, match="longer than 10 bytes"):
        store.put_stream(io.BytesIO(bytes(11)), 10)

    assert list(store.ids()) == []


def test_a_stream_that_breaks_leaves_nothing(store: BlobStore) -> None:
    class Broken:
        def __init__(self) -> None:
            self.given = 0

        def read(self, size: int, /) -> bytes:
            self.given += 1
            if self.given > 7:
                raise OSError("cut")
            return bytes(size)

    with pytest.raises(OSError, match="cut"):
        store.put_stream(Broken(), 64 * MIB)

    assert list(store.ids()) == []


def test_changed_bytes_are_found_out(store: BlobStore, spoil: Spoil) -> None:
    sha256 = store.put(b"hello")
    spoil(sha256, b"HELLO")

    with pytest.raises(BlobDamaged, match=sha256):
        store.get(sha256)


def test_what_was_cut_short_is_put_anew(store: BlobStore, spoil: Spoil) -> None:
    sha256 = store.put(b"hello")
    spoil(sha256, b"")

    assert store.put(b"hello") == sha256
    assert store.get(sha256) == b"hello"


def test_what_is_removed_is_gone_and_may_be_removed_again(store: BlobStore) -> None:
    sha256 = store.put(b"hello")
    assert store.get(sha256) == b"hello"

    store.remove(sha256)
    store.remove(sha256)

    with pytest.raises(BlobMissing):
        store.get(sha256)
    assert list(store.ids()) == []


@pytest.mark.parametrize("method", ["get", "open", "size"])
def test_an_unknown_blob_is_missing(store: BlobStore, method: str) -> None:
    with pytest.raises(BlobMissing, match=UNKNOWN):
        getattr(store, method)(UNKNOWN)


@pytest.mark.parametrize("method", ["get", "open", "size", "remove"])
@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64 + "\n", "/" * 64])
def test_what_is_no_id_is_refused(store: BlobStore, method: str, name: str) -> None:
    with pytest.raises(ValueError, match="no blob id"):
        getattr(store, method)(name)


def test_all_are_listed_with_their_sizes_and_nothing_else_is(store: BlobStore) -> None:
    sizes = {store.put(bytes([number]) * number): number for number in range(1, 60)}

    assert dict(store.ids()) == sizes


def test_it_says_the_same_of_itself_every_time(store: BlobStore) -> None:
    assert store.identity() == store.identity()
