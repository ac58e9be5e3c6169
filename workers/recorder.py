"""Record test results as they come, several to a transaction: what a quarter second brought; the rest with the end.

Of an execution that takes less than that nothing is written before its end: results and verdict are one transaction.
"""

import time

from domain import executions, spans
from domain.blobs import BlobStore
from domain.db import Database
from domain.model import Claim, TestResult
from domain.spans import Kind
from workers.lease import ClaimLost
from workers.patience import patiently

EVERY_S = 0.25
AT_MOST_BYTES = 4 * 1024 * 1024
"""Outputs held back in memory; beyond that they are written without waiting."""


class Recorder:
    """Keeps the results of one claim. What is still held back in the end is for whoever ends the execution."""

    def __init__(self, db: Database, blobs: BlobStore, claim: Claim, patience_s: float) -> None:
        self.db = db
        self.blobs = blobs
        self.claim = claim
        self.patience_s = patience_s
        self._waiting: list[TestResult] = []
        self._bytes = 0
        self._written_at = time.monotonic()

    def add(self, result: TestResult) -> None:
        """Take one result. Raises ClaimLost where the execution is no longer ours, Unavailable."""
        self._waiting.append(result)
        self._bytes += len(result.stdout) + len(result.stderr)
        if self._bytes > AT_MOST_BYTES or time.monotonic() - self._written_at > EVERY_S:
            self.flush()

    def rest(self) -> tuple[TestResult, ...]:
        """Give what is still held back."""
        return tuple(self._waiting)

    def flush(self) -> None:
        """Write what is held back."""
        if self._waiting:
            waiting = self._waiting
            with spans.span("record", spans.POSTGRESQL, Kind.CLIENT):
                kept = patiently(lambda: executions.record(self.db, self.blobs, self.claim, waiting), self.patience_s)
            if not kept:
                raise ClaimLost
        self._waiting, self._bytes, self._written_at = [], 0, time.monotonic()
