"""What was compiled already, in a real PostgreSQL over real blobs: nothing but what was kept comes back."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domain.blob_folder import FolderBlobs
from domain.blobs import BlobMissing
from domain.compiled import CompiledStore
from domain.db import Database

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.fixture
def store(db: Database, blobs: FolderBlobs) -> CompiledStore:
    return CompiledStore(db, blobs)


def files(blobs: FolderBlobs) -> list[Path]:
    return [path for path in blobs.folder.rglob("*") if path.is_file()]


def rows(db: Database) -> int:
    with db.read() as tx:
        return len(tx.execute("SELECT FROM compiled").fetchall())


def age(db: Database, key: bytes, days: int) -> None:
    with db.transaction() as tx:
        tx.execute(
            "UPDATE compiled SET used_at = now() - make_interval(days => %s::integer) WHERE key = %s", (days, key)
        )


def test_it_gives_back_what_was_kept(store: CompiledStore) -> None:
    assert store.find(KEY) is None
    store.keep(KEY, b"\0data")
    assert store.find(KEY) == b"\0data"
    assert store.find(OTHER) is None


@pytest.mark.parametrize("bytes_left", [b"evil", b"dat", b""], ids=["other bytes", "truncated", "empty"])
def test_a_poisoned_blob_is_refused_and_forgotten(
    store: CompiledStore, blobs: FolderBlobs, db: Database, bytes_left: bytes
) -> None:
    store.keep(KEY, b"data")
    [file] = files(blobs)
    file.write_bytes(bytes_left)
    assert store.find(KEY) is None
    assert (files(blobs), rows(db)) == ([], 0)
    store.keep(KEY, b"data")
    assert store.find(KEY) == b"data"


def test_a_blob_that_is_gone_is_forgotten(store: CompiledStore, blobs: FolderBlobs, db: Database) -> None:
    store.keep(KEY, b"data")
    files(blobs)[0].unlink()
    assert (store.find(KEY), rows(db)) == (None, 0)


def test_of_many_at_once_one_stays(store: CompiledStore, blobs: FolderBlobs, db: Database) -> None:
    offered = [f"data {number}".encode() for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda data: store.keep(KEY, data), offered))
    assert store.find(KEY) in offered
    assert (len(files(blobs)), rows(db)) == (1, 1)


def test_to_forget_what_was_replaced_meanwhile_leaves_the_new(store: CompiledStore, blobs: FolderBlobs) -> None:
    store.keep(KEY, b"data")
    store.forget(KEY, bytes(32))
    assert store.find(KEY) == b"data"


def test_what_nobody_uses_is_pruned(store: CompiledStore, blobs: FolderBlobs, db: Database) -> None:
    store.keep(KEY, b"old")
    store.keep(OTHER, b"new")
    age(db, KEY, 8)
    assert store.prune(1 << 20, days=7) == 1
    assert (store.find(KEY), store.find(OTHER)) == (None, b"new")
    assert len(files(blobs)) == 1


def test_use_keeps_it(store: CompiledStore, db: Database) -> None:
    store.keep(KEY, b"old")
    age(db, KEY, 8)
    assert store.find(KEY) == b"old"
    assert store.prune(1 << 20, days=7) == 0


def test_beyond_its_room_the_longest_unused_goes(store: CompiledStore, db: Database) -> None:
    for number, days in enumerate((3, 1, 2)):
        store.keep(bytes([number]) * 32, bytes([number]) * 10)
        age(db, bytes([number]) * 32, days)
    assert store.prune(20, days=7) == 1
    assert [store.find(bytes([number]) * 32) is not None for number in range(3)] == [False, True, True]
    assert store.prune(0, days=7) == 2


def test_a_row_without_its_blob_says_nothing(blobs: FolderBlobs) -> None:
    with pytest.raises(BlobMissing):
        blobs.get("0" * 64)
    blobs.remove("0" * 64)
