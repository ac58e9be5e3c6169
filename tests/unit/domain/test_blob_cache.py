"""What a host keeps of a store that is far away."""

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from domain.blob_cache import BlobCache
from domain.blobs import BlobDamaged, BlobMissing

ROOM = 1000


class Far:
    """A store that counts how often it is asked."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []

    def has(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.blobs[sha256] = data
        return sha256

    def fetch(self, sha256: str) -> Callable[[BinaryIO], None]:
        def write(file: BinaryIO) -> None:
            self.asked.append(sha256)
            if sha256 not in self.blobs:
                raise BlobMissing(sha256)
            file.write(self.blobs[sha256])

        return write


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def cache(tmp_path: Path) -> BlobCache:
    return BlobCache(tmp_path / "cache", ROOM)


def _kept(cache: BlobCache) -> list[Path]:
    return [path for path in cache.folder.rglob("*") if path.is_file() and path.name != "bytes"]


def _get(cache: BlobCache, far: Far, sha256: str) -> bytes:
    return cache.get(sha256, far.fetch(sha256))


def test_it_fetches_once(cache: BlobCache, far: Far) -> None:
    sha256 = far.has(b"hello")

    assert [_get(cache, far, sha256) for _ in range(3)] == [b"hello"] * 3
    assert far.asked == [sha256]
    found = cache.open(sha256)
    assert found is not None
    with found:
        assert found.read(2) == b"he"


def test_what_is_not_there_leaves_nothing(cache: BlobCache, far: Far) -> None:
    with pytest.raises(BlobMissing):
        _get(cache, far, "0" * 64)

    assert _kept(cache) == []


def test_what_comes_is_compared_with_its_name(cache: BlobCache, far: Far) -> None:
    sha256 = far.has(b"hello")
    far.blobs[sha256] = b"HELLO"

    for _ in range(2):
        with pytest.raises(BlobDamaged):
            _get(cache, far, sha256)
    assert len(far.asked) == 2


def test_what_was_changed_on_disk_is_fetched_anew(cache: BlobCache, far: Far) -> None:
    sha256 = far.has(b"hello")
    _get(cache, far, sha256)
    (path,) = _kept(cache)
    path.write_bytes(b"HELLO")

    assert _get(cache, far, sha256) == b"hello"
    assert len(far.asked) == 2


def test_the_longest_unused_goes_first(cache: BlobCache, far: Far) -> None:
    first, second, third = (far.has(bytes([number]) * 400) for number in range(3))
    for moment, sha256 in enumerate((first, second)):
        _get(cache, far, sha256)
        found = cache.open(sha256)
        assert found is not None
        with found:
            os.utime(found.fileno(), (moment, moment))
    _get(cache, far, first)  # used again just now

    _get(cache, far, third)

    assert {path.name for path in _kept(cache)} == {first, third}


def test_it_never_takes_more_than_its_room(cache: BlobCache, far: Far) -> None:
    for number in range(50):
        _get(cache, far, far.has(bytes([number]) * (100 + 7 * number)))
        assert sum(path.stat().st_size for path in _kept(cache)) <= ROOM


def test_what_is_larger_than_all_its_room_is_read_and_not_kept(cache: BlobCache, far: Far) -> None:
    small, large = far.has(b"small"), far.has(bytes(ROOM + 1))
    _get(cache, far, small)

    assert _get(cache, far, large) == bytes(ROOM + 1)
    assert [path.name for path in _kept(cache)] == [small]


def test_what_a_killed_process_left_is_written_anew(cache: BlobCache, far: Far) -> None:
    sha256 = far.has(b"hello")
    (cache.folder / "new").mkdir(parents=True)
    (cache.folder / "new" / sha256).write_bytes(b"a longer text that was cut")

    assert _get(cache, far, sha256) == b"hello"


def test_what_killed_processes_left_goes_when_room_is_made(cache: BlobCache, far: Far) -> None:
    new = cache.folder / "new"
    new.mkdir(parents=True)
    for name in ("left", "held"):
        (new / name).write_bytes(b"half")
    with (new / "held").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for number in range(3):
            _get(cache, far, far.has(bytes([number]) * 500))

        assert [path.name for path in new.iterdir()] == ["held"]


def test_a_lost_count_is_made_anew(cache: BlobCache, far: Far) -> None:
    for number in range(4):
        _get(cache, far, far.has(bytes([number]) * 300))
        (cache.folder / "bytes").write_text("")

    assert sum(path.stat().st_size for path in _kept(cache)) <= ROOM


def test_removed_is_removed(cache: BlobCache, far: Far) -> None:
    sha256 = far.has(b"hello")
    _get(cache, far, sha256)

    cache.remove(sha256)
    cache.remove(sha256)

    assert cache.open(sha256) is None
