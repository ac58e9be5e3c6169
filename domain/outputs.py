"""What a program wrote: kept whole, and known well enough to show its beginning without reading the rest.

Such a value is four columns: those of `domain/payload.py`, `<name>_size_bytes bigint` and `<name>_is_text boolean`.
"""

import codecs

from psycopg.rows import DictRow

from domain.blobs import BlobStore
from domain.payload import Payload
from domain.views import Shown

_CHUNK_BYTES = 1024 * 1024

Names = tuple[str, str, str, str]
Values = tuple[bytes | None, bytes | None, int | None, bool | None]
"""The values of the four columns; all None where there is no output."""


def columns(name: str) -> Names:
    """Name the four columns, in the order of their values."""
    return name, f"{name}_sha256", f"{name}_size_bytes", f"{name}_is_text"


def keep(data: bytes | None, blobs: BlobStore) -> Values:
    """Keep an output, a long one in the blob store at once, and give its columns' values."""
    if data is None:
        return None, None, None, None
    return *Payload.keep(data, blobs).columns, len(data), is_utf8(data)


def show(row: DictRow, names: Names, limit: int, blobs: BlobStore) -> Shown | None:
    """Read up to `limit` bytes of an output whose columns stand in a row; None where there is none.

    Raises BlobMissing. A blob's hash is not checked: that would take all of it.
    """
    inline, sha256, size_bytes, is_text = (row[name] for name in names)
    if size_bytes is None:
        return None
    if sha256 is None:
        return Shown(inline[:limit], size_bytes, is_text)
    with blobs.open(sha256.hex()) as file:
        return Shown(file.read(limit), size_bytes, is_text)


def is_utf8(data: bytes) -> bool:
    """Say whether bytes are valid UTF-8, without making a text of them that may take four times their memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _CHUNK_BYTES):
            decoder.decode(data[start : start + _CHUNK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
