"""Executions that are claimed, and leases that have ended."""

from collections.abc import Callable

import pytest

from domain import executions
from domain.blobs import BlobStore
from domain.db import Database
from domain.model import Claim
from domain.views import SubmissionView

Take = Callable[..., Claim]


@pytest.fixture
def take(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> Take:
    """Submit something, or take what was submitted, and claim it."""

    def claim(view: SubmissionView | None = None, worker: str = "worker-1", lease_s: int = 30) -> Claim:
        execution_id = (view or submit()).execution.id
        claimed = executions.claim(db, blobs, execution_id, worker=worker, lease_s=lease_s)
        assert claimed is not None
        return claimed

    return claim


@pytest.fixture
def expire(rows: Callable[..., object]) -> Callable[[], None]:
    """End every lease, as if the time had passed."""

    def end() -> None:
        rows("UPDATE executions SET lease_until = now() - interval '1 ms' WHERE lease_until IS NOT NULL")

    return end
