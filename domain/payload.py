"""Any bytes that belong to a row: in the row itself while short, in the blob store under their sha256 when long.

Such a value is two columns, `<name> bytea` and `<name>_sha256 bytea`, of which one at most is not null.
"""

from dataclasses import dataclass

from domain.blobs import BlobStore

INLINE_BYTES = 64 * 1024
"""The longest value kept in a row; PostgreSQL would take up to 1 GiB, at the cost of every backup and every read."""

Columns = tuple[bytes | None, bytes | None]
"""The value of the two columns: the bytes, or the sha256 of the blob; both None where there is no value."""


@dataclass(frozen=True)
class Payload:
    """Bytes inline, or the sha256 (32 bytes) under which the blob store has them."""

    inline: bytes | None = None
    sha256: bytes | None = None

    @classmethod
    def keep(cls, data: bytes | None, blobs: BlobStore) -> "Payload":
        """Keep bytes, long ones in the blob store at once: before the transaction, so that no row lacks its blob."""
        if data is None or len(data) <= INLINE_BYTES:
            return cls(inline=data)
        return cls(sha256=bytes.fromhex(blobs.put(data)))

    def load(self, blobs: BlobStore) -> bytes | None:
        """Read the bytes back. Raises domain.blobs.BlobMissing or BlobDamaged."""
        return self.inline if self.sha256 is None else blobs.get(self.sha256.hex())

    @property
    def columns(self) -> Columns:
        """The values of the two columns."""
        return self.inline, self.sha256


def load(inline: bytes | None, sha256: bytes | None, blobs: BlobStore) -> bytes:
    """Read a value that is never null."""
    return Payload(inline, sha256).load(blobs) or b""
