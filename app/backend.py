"""What the API needs of the domain. The views know this alone: a test puts an implementation in memory behind them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from app import readiness
from app.batch_backend import Batches
from app.live.streams import Streams
from app.package_backend import Packages
from app.problem_backend import Problems
from app.regrade_backend import Regrades
from app.webhook_backend import Webhooks
from domain.fair import User
from domain.hosts import Host
from domain.issuing import Issued
from domain.key_list import KeyEntry
from domain.keys import Key, NewKey
from domain.listing import Filters, Place, Summary
from domain.model import Submission
from domain.problem_reading import Viewer
from domain.rates import Window
from domain.usage_limits import Use
from domain.values import Stream, Whole
from domain.views import SubmissionView, Version


class Backend(Protocol):
    """Everything that a request can ask of the platform. Each method may raise domain.errors.Unavailable."""

    @property
    def batches(self) -> Batches:
        """What can be asked about batches."""

    @property
    def problems(self) -> Problems:
        """What can be asked of problems."""

    @property
    def webhooks(self) -> Webhooks:
        """What can be asked of webhooks."""

    @property
    def packages(self) -> Packages:
        """What can be asked about problem packages."""

    @property
    def regrades(self) -> Regrades:
        """What can be asked of regrades."""

    @property
    def streams(self) -> Streams:
        """What is asked for those who listen."""

    def key(self, text: str) -> Key | None:
        """Find whose key or token this is. Raises Unauthenticated where it can say more than that it is none."""

    def make_key(self, by: Key, new: NewKey) -> Issued:
        """Make a key for whoever asks. Raises InvalidRequest, NotFound, Unauthenticated."""

    def key_page(self, owner_id: UUID | None, *, before: Place | None, limit: int) -> Sequence[KeyEntry]:
        """List keys, newest first, made before a place in the list; `owner_id` None lists everybody's."""

    def rotate_key(self, by: Key, prefix: str, *, grace: timedelta, expires_at: datetime | None) -> Issued:
        """Give a key another secret. Raises InvalidRequest, NotFound."""

    def revoke_key(self, by: Key, prefix: str) -> KeyEntry:
        """End a key, and all that were made with it. Raises NotFound."""

    def admit(self, user: User, rate: str, count: int) -> Sequence[Window]:
        """Count so many new submissions of a user; gives how the user's windows stand. Raises LimitReached."""

    def create(
        self,
        new: Submission,
        *,
        owner_id: UUID,
        submission_id: UUID | None,
        body_sha256: bytes,
        wait_s: float,
        user: User,
        admit: Callable[[], None],
        key: str | None = None,
    ) -> SubmissionView:
        """Keep a submission, queue it, and wait `wait_s` seconds at most for its end.

        One that its id, or the `key` of Idempotency-Key, made before is given as it is, `replayed`; `admit` is asked
        for a new one, and may refuse it. Raises InvalidRequest, Conflict, LimitReached.
        """

    def usage(self, user: User, rate: str) -> Use:
        """Read how a user's limits of use stand."""

    def get(self, submission_id: UUID, owner_id: UUID | None) -> SubmissionView:
        """Read a submission; `owner_id` None reads anyone's. Raises NotFound."""

    def reveal(self, submission_id: UUID, viewer: Viewer) -> SubmissionView:
        """Read a submission with what is hidden of it, for operators and its problem's author. Raises NotFound."""

    def version(self, submission_id: UUID, owner_id: UUID | None) -> Version:
        """Say what an answer about a submission hangs on, without reading what it shows. Raises NotFound."""

    def page(self, owner_id: UUID | None, *, filters: Filters, before: Place | None, limit: int) -> Sequence[Summary]:
        """List submissions, newest first, made before a place in the list."""

    def wait(self, view: SubmissionView, seconds: float) -> SubmissionView:
        """Wait until a submission's execution is final, or the time is over, and read it again. Raises NotFound."""

    def cancel(self, submission_id: UUID, owner_id: UUID | None) -> SubmissionView:
        """End a submission's execution where it is not over, and read it. Raises NotFound."""

    def stream(self, submission_id: UUID, owner_id: UUID | None, ordinal: int, name: Stream) -> Whole:
        """Open what a program wrote. Raises NotFound, for a hidden test case too; domain.blobs.BlobMissing."""

    def compile_output(self, submission_id: UUID, owner_id: UUID | None) -> Whole:
        """Open what the compiler wrote. Raises NotFound, domain.blobs.BlobMissing."""

    def artifact(self, submission_id: UUID, owner_id: UUID | None, ordinal: int, path: str) -> Whole:
        """Open a collected file. Raises NotFound, for a hidden test case too; domain.blobs.BlobMissing."""

    def availability(self) -> Mapping[str, str]:
        """Give the version of every language that a live host has."""

    def hosts(self) -> Sequence[Host]:
        """List all hosts that ever had a worker."""

    def checks(self) -> Sequence[readiness.Check]:
        """Ask every part whether it is there."""
