"""Blobs in a bucket of an S3-compatible store, for any number of hosts.

    s3://BUCKET/PREFIX/ab/cd/abcd...   the blob

S3 shows an object when all of it has arrived, and refuses one whose checksum is another than we told it. A stream is
written to a local file first, so that its name is known before the upload begins; an upload of several parts that is
cut short shows nothing, and its parts are for the bucket's lifecycle rule to remove.

The library answers 5xx, lost connections and timeouts by trying again, with jitter. It has threads of its own, which a
fork does not carry over: a process that used it cannot have children that do.
"""

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from domain.blob_cache import BlobCache
from domain.blob_folder import copied
from domain.blob_settings import S3Place
from domain.blobs import CHUNK_BYTES, BlobsAway, BlobStore, Readable, checked_id, damaged, is_id, missing, path_of
from domain.logging import logger
from domain.native import apart

BEGINNING_BYTES = 64 * 1024
"""What is read with the answer that says how long a blob is: as much as answers show of it."""
ERROR_CHARS = 300
FIRST_PAUSE, LONGEST_PAUSE = timedelta(milliseconds=100), timedelta(seconds=2)

if TYPE_CHECKING:
    from obstore.store import S3Config  # there for type checkers alone

Result = TypeVar("Result")

log = logger(__name__)
_used_in: int | None = None
"""The first process that used the library; children inherit the number."""


@dataclass(frozen=True)
class Patience:
    """How long a store that does not answer is waited for."""

    connect_s: float = 2.0
    silent_s: float = 10.0
    """No byte came for so long."""
    whole_s: float = 300.0
    tries: int = 4
    together_s: float = 15.0
    """After that nothing is tried again."""


PATIENT = Patience()


class S3Blobs(BlobStore):
    """Blobs in one bucket, what is read whole kept in a cache of this host."""

    def __init__(self, where: S3Place, cache: BlobCache | None = None, patience: Patience = PATIENT) -> None:
        self.where = where
        self.cache = cache
        self._patience = patience
        self._clients: dict[int, S3Store] = {}

    def put(self, data: bytes) -> str:
        """Send bytes, unless they are there."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._send(sha256, len(data), data)
        return sha256

    def put_stream(self, readable: Readable, limit: int) -> tuple[str, int]:
        """Write a stream to a file that has no name, then send it."""
        with tempfile.NamedTemporaryFile(prefix="shipd-blob-") as file:
            sha256, size = copied(readable, file.write, limit)
            file.flush()
            self._send(sha256, size, Path(file.name))
        return sha256, size

    def get(self, sha256: str) -> bytes:
        """Read from the cache, or fetch."""
        fetch = partial(self._fetch, checked_id(sha256))
        return apart(lambda: self._cached(sha256, fetch))

    def open(self, sha256: str) -> BinaryIO:
        """Open what is in the cache, else read from the store, a part at a time."""
        key = path_of(sha256)
        found = self._here(sha256)
        if found is not None:
            return found
        with self._reading(sha256):
            size, beginning = self._ask(lambda client: _beginning(client, key))
        return io.BufferedReader(_Parts(partial(self._part, sha256), size, beginning), CHUNK_BYTES)

    def remove(self, sha256: str) -> None:
        """Delete the object, and what this host has of it."""
        key = path_of(sha256)
        if self.cache is not None:
            try:
                self.cache.remove(sha256)
            except OSError as error:
                _go_on_without(error)
        with _told(), suppress(FileNotFoundError):
            self._ask(lambda client: obstore.delete(client, key))

    def size(self, sha256: str) -> int:
        """Ask for the object's size."""
        path_of(sha256)
        found = self._size_or_none(sha256)
        if found is None:
            raise missing(sha256, self.place())
        return found

    def ids(self) -> Iterator[tuple[str, int]]:
        """List the bucket."""
        with _told():
            pages = iter(self._ask(obstore.list))
            while (page := apart(lambda: next(pages, None))) is not None:
                for found in page:
                    name = found["path"].rpartition("/")[2]
                    if is_id(name) and found["path"] == path_of(name):
                        yield name, found["size"]

    def identity(self) -> str:
        """Name bucket and prefix: hosts may reach one store by several endpoints."""
        return str(self.where)

    def place(self) -> str:
        """Name bucket, prefix and endpoint."""
        return f"{self.where} at {self.where.endpoint or self.where.region}"

    def _send(self, sha256: str, size: int, data: bytes | Path) -> None:
        if self._size_or_none(sha256) == size:
            return
        key = path_of(sha256)
        try:
            with _told():
                self._ask(lambda client: obstore.put(client, key, data))
        except FileNotFoundError as error:
            raise BlobsAway(f"there is no bucket {self.where.bucket}; make it, or mend SHIPD_BLOB_URL") from error

    def _cached(self, sha256: str, fetch: Callable[[BinaryIO], None]) -> bytes:
        if self.cache is not None:
            try:
                return self.cache.get(sha256, fetch)
            except OSError as error:
                _go_on_without(error)
        data = io.BytesIO()
        fetch(data)
        if hashlib.sha256(data.getvalue()).hexdigest() != sha256:
            raise damaged(sha256)
        return data.getvalue()

    def _here(self, sha256: str) -> BinaryIO | None:
        try:
            return self.cache.open(sha256) if self.cache is not None else None
        except OSError as error:
            _go_on_without(error)
            return None

    def _fetch(self, sha256: str, file: BinaryIO) -> None:
        with self._reading(sha256):
            found = obstore.get(self._client(), path_of(sha256))
            file.writelines(found.stream(CHUNK_BYTES))

    def _part(self, sha256: str, start: int, end: int) -> bytes:
        key = path_of(sha256)
        with self._reading(sha256):
            return bytes(self._ask(lambda client: obstore.get_range(client, key, start=start, end=end)))

    def _size_or_none(self, sha256: str) -> int | None:
        try:
            with _told():
                return self._ask(lambda client: obstore.head(client, path_of(sha256)))["size"]
        except FileNotFoundError:
            return None

    @contextmanager
    def _reading(self, sha256: str) -> Iterator[None]:
        try:
            with _told():
                yield
        except FileNotFoundError:
            raise missing(sha256, self.place()) from None

    def _ask(self, question: Callable[[S3Store], Result]) -> Result:
        return apart(lambda: question(self._client()))

    def _client(self) -> S3Store:
        global _used_in  # noqa: PLW0603 - the library's threads are the process's too
        _used_in = _used_in or os.getpid()
        if _used_in != os.getpid():
            raise RuntimeError("blobs on S3 were used before this process was forked: their client would hang here")
        return self._clients.get(os.getpid()) or self._clients.setdefault(os.getpid(), self._connected())

    def _connected(self) -> S3Store:
        where = self.where
        config: S3Config = {
            "region": where.region,
            "access_key_id": where.access_key_id,
            "secret_access_key": where.secret_access_key,
            "virtual_hosted_style_request": False,
            "checksum_algorithm": "SHA256",
        }
        if where.endpoint is not None:
            config["endpoint"] = where.endpoint
        if where.session_token is not None:
            config["session_token"] = where.session_token
        return S3Store(
            where.bucket,
            prefix=where.prefix or None,
            config=config,
            client_options={
                "allow_http": (where.endpoint or "").startswith("http://"),
                "connect_timeout": timedelta(seconds=self._patience.connect_s),
                "read_timeout": timedelta(seconds=self._patience.silent_s),
                "timeout": timedelta(seconds=self._patience.whole_s),
            },
            retry_config={
                "max_retries": self._patience.tries - 1,
                "retry_timeout": timedelta(seconds=self._patience.together_s),
                "backoff": {"init_backoff": FIRST_PAUSE, "max_backoff": LONGEST_PAUSE, "base": 2},
            },
        )


class _Parts(io.RawIOBase):
    """A blob as a file that fetches what is read of it."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, beginning: bytes) -> None:
        super().__init__()
        self._fetch, self._size, self._beginning = fetch, size, beginning
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readall(self) -> bytes:
        # Else `io` would ask for the rest in parts of 8 KiB.
        start, self._at = self._at, max(self._at, self._size)
        return b"" if start >= self._size else self._fetch(start, self._size)

    def readinto(self, buffer: "memoryview", /) -> int:  # type: ignore[override] # io calls it with nothing else
        end = min(self._at + len(buffer), self._size)
        if self._at >= end:
            return 0
        known = self._beginning[self._at : end]
        data = known or self._fetch(self._at, end)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _beginning(client: S3Store, key: str) -> tuple[int, bytes]:
    """Give an object's size and its first bytes; an empty one has no range that could be asked for."""
    try:
        found = obstore.get(client, key, options={"range": (0, BEGINNING_BYTES)})
        return found.meta["size"], bytes(found.bytes())
    except BaseError:
        if obstore.head(client, key)["size"] > 0:
            raise
        return 0, b""


def _go_on_without(error: OSError) -> None:
    """Tell of a cache that cannot be used: a full disk, the files of another user. The store has it all."""
    log.warning("blob_cache_unusable", error=str(error))


@contextmanager
def _told() -> Iterator[None]:
    """Tell of a store that does not answer, or refuses us. Its errors name places, and no secrets."""
    try:
        yield
    except BaseError as error:
        said = " ".join(str(error).partition("\n\nDebug source")[0].split())
        raise BlobsAway(f"the blob store does not answer as it should: {said[:ERROR_CHARS]}") from error
