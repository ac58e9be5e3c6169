"""What was compiled already: an index in PostgreSQL, by a key of everything that decides it, over a blob store.

The blobs lie in a folder of their own, so that one can be deleted when its row goes. Losing either costs a compile:
a row without its blob, or whose blob is damaged, is as if it were not there.
"""

from domain.blobs import BlobDamaged, BlobMissing, BlobStore
from domain.db import Database

FOLDER = "compiled"
"""Below the blob store that API and workers share."""

# A row used within the hour stays as it is: what is compiled most would be written most.
_FIND = """
    WITH found AS (SELECT key, sha256, used_at FROM compiled WHERE key = %(key)s),
    used AS (
        UPDATE compiled SET used_at = now() FROM found
        WHERE compiled.key = found.key AND found.used_at < now() - interval '1 hour'
    )
    SELECT sha256 FROM found
"""

# The newest in use are kept, as many as there is room for.
_PRUNE = """
    DELETE FROM compiled WHERE key IN (
        SELECT key FROM (
            SELECT key, used_at, sum(size_bytes) OVER (ORDER BY used_at DESC, key) AS together FROM compiled
        ) AS counted
        WHERE together > %(bytes)s OR used_at < now() - make_interval(days => %(days)s::integer)
    )
    RETURNING sha256
"""


class CompiledStore:
    """The index and its blobs."""

    def __init__(self, db: Database, blobs: BlobStore) -> None:
        self.db = db
        self.blobs = blobs

    def find(self, key: bytes) -> bytes | None:
        """Give what was kept under a key, its hash checked; None where there is none (any more). Raises Unavailable."""
        with self.db.transaction() as tx:
            row = tx.execute(_FIND, {"key": key}).fetchone()
        if row is None:
            return None
        try:
            return self.blobs.get(row[0].hex())
        except (BlobMissing, BlobDamaged):
            self.forget(key, row[0])
            return None

    def keep(self, key: bytes, data: bytes) -> None:
        """Keep bytes that no other key has. The quicker of two stays. Raises Unavailable, OSError."""
        sha256 = self.blobs.put(data)
        with self.db.transaction() as tx:
            command = "INSERT INTO compiled (key, sha256, size_bytes) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
            kept = tx.execute(command, (key, bytes.fromhex(sha256), len(data))).rowcount == 1
        if not kept:
            self.blobs.remove(sha256)

    def forget(self, key: bytes, sha256: bytes) -> None:
        """Take a row and its blob away, unless the key has another blob by now. Raises Unavailable."""
        with self.db.transaction() as tx:
            tx.execute("DELETE FROM compiled WHERE key = %s AND sha256 = %s", (key, sha256))
        self.blobs.remove(sha256.hex())

    def prune(self, max_bytes: int, days: int) -> int:
        """Forget what was not used for so many days, and the longest unused beyond `max_bytes`; give how many."""
        with self.db.transaction() as tx:
            gone = tx.execute(_PRUNE, {"bytes": max_bytes, "days": days}).fetchall()
        for (sha256,) in gone:
            self.blobs.remove(sha256.hex())
        return len(gone)
