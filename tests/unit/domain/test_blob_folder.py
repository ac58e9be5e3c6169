import hashlib
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.blob_folder import FolderBlobs
from domain.blobs import BlobDamaged, BlobMissing, BlobTooLarge

UNKNOWN = "0" * 64


@pytest.fixture
def store(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path)


def _files(store: FolderBlobs) -> list[Path]:
    return [path for path in store.folder.rglob("*") if path.is_file()]


def test_it_works(store: FolderBlobs) -> None:
    sha256 = store.put(b"hello")

    assert sha256 == hashlib.sha256(b"hello").hexdigest()
    assert store.get(sha256) == b"hello"
    assert store.size(sha256) == 5
    with store.open(sha256) as file:
        assert file.read(2) == b"he"
    assert _files(store) == [store.folder / sha256[:2] / sha256[2:4] / sha256]


@given(data=st.binary(max_size=5000))
def test_it_gives_back_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    store = FolderBlobs(tmp_path_factory.getbasetemp() / "blobs")

    assert store.get(store.put(data)) == data
    assert store.put_stream(io.BytesIO(data), len(data)) == (hashlib.sha256(data).hexdigest(), len(data))


def test_the_same_bytes_are_kept_once(store: FolderBlobs) -> None:
    first = store.put(b"x")
    inode = _files(store)[0].stat().st_ino

    assert store.put(b"x") == store.put_stream(io.BytesIO(b"x"), 1)[0] == first
    assert len(_files(store)) == 1
    assert store.put(b"x") == first
    assert inode > 0


def test_a_stream_may_be_as_long_as_its_limit_and_no_longer(store: FolderBlobs) -> None:
    data = bytes(3 * 1024 * 1024)
    assert store.put_stream(io.BytesIO(data), len(data))[1] == len(data)
    kept = _files(store)

    with pytest.raises(BlobTooLarge, match="longer than"):
        store.put_stream(io.BytesIO(data + b"x"), len(data))

    assert _files(store) == kept


def test_a_stream_that_breaks_leaves_nothing(store: FolderBlobs) -> None:
    class Broken:
        def read(self, _: int, /) -> bytes:
            raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        store.put_stream(Broken(), 10)

    assert _files(store) == []


def test_the_name_is_given_when_everything_is_on_disk(store: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(descriptor: int) -> None:
        steps.append("sync folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "sync file")  # noqa: PTH112
        real_sync(descriptor)

    def rename(self: Path, target: Path) -> Path:
        assert self.read_bytes() == b"hello"
        steps.append("rename")
        return real_rename(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    store.put(b"hello")

    assert steps == ["sync file", "rename", "sync folder"]


def test_a_writer_killed_before_the_rename_leaves_no_blob(store: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "rename", die)
        store.put(b"hello")

    with pytest.raises(BlobMissing):
        store.get(hashlib.sha256(b"hello").hexdigest())
    assert store.get(store.put(b"hello")) == b"hello"


def test_many_writers_of_the_same_bytes_do_no_harm(store: FolderBlobs) -> None:
    data = bytes(200_000)
    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda _: store.put(data), range(40)))

    assert [store.get(sha256) for sha256 in ids] == [data]
    assert len(_files(store)) == 1


def test_changed_bytes_are_found_out(store: FolderBlobs) -> None:
    sha256 = store.put(b"hello")
    (path,) = _files(store)
    path.chmod(0o600)
    path.write_bytes(b"HELLO")

    with pytest.raises(BlobDamaged, match=sha256):
        store.get(sha256)


def test_a_file_cut_short_is_written_anew(store: FolderBlobs) -> None:
    sha256 = store.put(b"hello")
    (path,) = _files(store)
    path.chmod(0o600)
    path.write_bytes(b"")

    assert store.put(b"hello") == sha256
    assert store.get(sha256) == b"hello"


@pytest.mark.parametrize("method", [FolderBlobs.get, FolderBlobs.open, FolderBlobs.size])
def test_an_unknown_blob_is_missing(store: FolderBlobs, method: Callable[[FolderBlobs, str], object]) -> None:
    with pytest.raises(BlobMissing, match=UNKNOWN):
        method(store, UNKNOWN)


@pytest.mark.parametrize("method", [FolderBlobs.get, FolderBlobs.open, FolderBlobs.size])
@pytest.mark.parametrize(
    "name",
    [
        "",
        "../../etc/passwd",
        "0" * 63,
        "0" * 65,
        "A" * 64,
        "0" * 64 + "\n",
        "/" * 64,
        "\N{ARABIC-INDIC DIGIT ZERO}" * 64,
    ],
)
def test_what_is_no_id_is_refused(store: FolderBlobs, method: Callable[[FolderBlobs, str], object], name: str) -> None:
    with pytest.raises(ValueError, match="no blob id"):
        method(store, name)
