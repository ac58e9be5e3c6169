"""The store in both forms: a folder, and a real S3 server that every test has a prefix of."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.blob_cache import BlobCache
from domain.blob_folder import FolderBlobs
from domain.blob_s3 import S3Blobs
from domain.blobs import BlobStore
from tests.s3 import S3

MIB = 1024 * 1024


@pytest.fixture
def prefix() -> str:
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
def cache(tmp_path: Path) -> BlobCache:
    return BlobCache(tmp_path / "cache", 64 * MIB)


@pytest.fixture
def bucket(s3: S3, prefix: str, cache: BlobCache) -> S3Blobs:
    return S3Blobs(s3.place(prefix), cache)


@pytest.fixture(params=["folder", "s3", "s3 without a cache"])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3: S3, prefix: str, cache: BlobCache) -> BlobStore:
    forms: dict[str, Callable[[], BlobStore]] = {
        "folder": lambda: FolderBlobs(tmp_path / "blobs"),
        "s3": lambda: S3Blobs(s3.place(prefix), cache),
        "s3 without a cache": lambda: S3Blobs(s3.place(prefix)),
    }
    return forms[request.param]()


@pytest.fixture
def spoil(store: BlobStore, s3: S3) -> Callable[[str, bytes], None]:
    """Change what is kept of a blob, behind the store's back."""

    def change(sha256: str, data: bytes) -> None:
        path = f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
        if isinstance(store, FolderBlobs):
            (store.folder / path).chmod(0o600)
            (store.folder / path).write_bytes(data)
        elif isinstance(store, S3Blobs):
            s3.spoil(f"{store.where.prefix}/{path}", data)

    return change
