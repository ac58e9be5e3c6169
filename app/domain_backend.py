"""The domain behind the API, as `app/backend.py` wants it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from app import readiness
from app.batch_backend import DomainBatches, no_room
from app.canceller import Canceller
from app.live.streams import DomainStreams, Streams
from app.package_backend import DomainPackages, Packages
from app.problem_backend import DomainProblems, Problems
from app.regrade_backend import DomainRegrades, Regrades
from app.webhook_backend import DomainWebhooks, Webhooks
from domain import (
    blob_stores,
    hosts,
    issuing,
    key_list,
    keys,
    listing,
    live,
    oidc,
    oidc_settings,
    outbox,
    owners,
    queue,
    spans,
    submissions,
    usage_limits,
    values,
)
from domain.cancelling import Cancellations
from domain.db import Database
from domain.errors import ShipdError
from domain.events import Events, Expectation
from domain.fair import User
from domain.hosts import Host
from domain.issuing import Issued
from domain.key_list import KeyEntry
from domain.keys import Key, NewKey
from domain.last_use import LastUse
from domain.listing import Filters, Place, Summary
from domain.model import Submission
from domain.oidc_keys import ProviderKeys
from domain.problem_reading import Viewer
from domain.queue_depth import QueueDepth
from domain.rates import Rates, Window
from domain.router import Router
from domain.settings import Settings
from domain.storing import Place as QueuePlace
from domain.usage_limits import Use
from domain.users import Suspensions
from domain.values import Stream, Whole
from domain.vault import Vault
from domain.views import SubmissionView, Version


class DomainBackend:
    """The real one; safe to share between threads, and nothing is connected before it is used."""

    def __init__(self, settings: Settings) -> None:
        sizes = {"min_size": settings.db_pool_min, "max_size": settings.db_pool_max}
        self._db = Database(settings.database_url, **sizes, pooler=settings.db_pooler)
        self._router = Router.of(settings, self._db)
        self._blobs = blob_stores.of(settings)
        self._blob_trials = blob_stores.Trials(blob_stores.of(settings, blob_stores.QUICK))
        self._events = Events(settings.redis_url)
        told = live.Live(settings.redis_url)
        self.streams: Streams = DomainStreams(self._db, told)
        self._redis = readiness.connect_redis(settings.redis_url)
        self._rates = Rates(settings.redis_url, settings.total_rate)
        self._depth = QueueDepth(self._db, settings.most_queued)
        self._usual = settings.usual
        self._celery = queue.make_celery(settings)
        apart = settings.broker_url != settings.redis_url
        self._ask_broker = partial(queue.ask, self._celery) if apart else None
        self._last_use = LastUse(self._db)
        self._suspensions = Suspensions(self._db)
        issuers = oidc_settings.load(settings.oidc_file)
        self._tokens = oidc.Tokens(map(ProviderKeys, issuers), partial(owners.of_subject, self._db))
        self._vault = Vault(self._db)
        self.webhooks: Webhooks = DomainWebhooks(self._db, self._vault, self._celery)
        self.packages: Packages = DomainPackages(
            self._db, self._blobs, self._celery, settings.state_dir / "packages", self._router
        )
        self.problems: Problems = DomainProblems(self._db, self._blobs, self._celery, self._router)
        cancellations = Cancellations(settings.redis_url)
        self._canceller = Canceller(
            self._db, self._celery, self._events, told, cancellations, self._usual, self._router
        )
        self.regrades: Regrades = DomainRegrades(self._db, self._celery, self._canceller.tell, self._router)
        self.batches = DomainBatches(
            self._db, self._blobs, self._events, self._router, self._celery, self._usual, self._vault, self._canceller
        )

    def key(self, text: str) -> Key | None:
        """Find whose key or token this is."""
        found = self._tokens.verify(text) if oidc.is_token(text) else keys.verify(self._db, text)
        if found is not None:
            self._suspensions.refuse(found.id)
            if found.key_id is not None:
                self._last_use.note(found.key_id)
        return found

    def make_key(self, by: Key, new: NewKey) -> Issued:
        """Make a key for whoever asks."""
        return issuing.make(self._db, by, new)

    def key_page(self, owner_id: UUID | None, *, before: Place | None, limit: int) -> Sequence[KeyEntry]:
        """List keys."""
        return key_list.page(self._db, owner_id, before=before, limit=limit)

    def rotate_key(self, by: Key, prefix: str, *, grace: timedelta, expires_at: datetime | None) -> Issued:
        """Give a key another secret."""
        return issuing.rotate(self._db, by, prefix, grace=grace, expires_at=expires_at)

    def revoke_key(self, by: Key, prefix: str) -> KeyEntry:
        """End a key."""
        return issuing.revoke(self._db, by, prefix)

    def admit(self, user: User, rate: str, count: int) -> Sequence[Window]:
        """Look at the queue, then at the rates; what either refuses counts nowhere."""
        self._depth.refuse_beyond(count)
        windows = self._rates.take(user, rate, count)
        self._depth.add(count)
        return windows

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
        """Keep a submission, send its execution to the queue once it is committed, and wait for its end."""
        expected: list[Expectation] = []

        def enqueue(execution_id: UUID, name: str) -> None:
            # Nobody works on it before: so nothing is missed, and the database need not be asked.
            if wait_s > 0:
                expected.append(self._events.expect(execution_id))
            outbox.send(self._celery, self._db, execution_id, name)

        try:
            with spans.span("create", expected=(ShipdError,)) as span:
                view = submissions.create(
                    self._db,
                    self._blobs,
                    new,
                    owner_id=owner_id,
                    submission_id=submission_id,
                    body_sha256=body_sha256,
                    enqueue=enqueue,
                    known=self._router.known,
                    route=self._router.queue_of,
                    place=QueuePlace(user, new.priority, self._usual),
                    admit=admit,
                    key=key,
                    vault=self._vault,
                )
                if spans.recording():
                    span.set({"shipd.submission_id": str(view.id), "shipd.test_cases": len(new.test_cases)})
        except OSError as error:
            raise no_room(error) from error
        if expected:
            return self._awaited(view, expected[0], wait_s)
        # It waits for a place: somebody else sends it, perhaps by now.
        return self.wait(view, wait_s) if wait_s > 0 and not view.replayed else view

    def usage(self, user: User, rate: str) -> Use:
        """Ask PostgreSQL and Redis."""
        return usage_limits.read(self._db, user, self._usual, self._rates.windows(user, rate))

    def get(self, submission_id: UUID, owner_id: UUID | None) -> SubmissionView:
        """Read a submission."""
        return submissions.get(self._db, self._blobs, submission_id, owner_id)

    def reveal(self, submission_id: UUID, viewer: Viewer) -> SubmissionView:
        """Read a submission with what is hidden of it."""
        return submissions.reveal(self._db, self._blobs, submission_id, viewer)

    def version(self, submission_id: UUID, owner_id: UUID | None) -> Version:
        """Ask how far a submission is."""
        return submissions.version(self._db, submission_id, owner_id)

    def page(self, owner_id: UUID | None, *, filters: Filters, before: Place | None, limit: int) -> Sequence[Summary]:
        """List submissions."""
        return listing.page(self._db, owner_id, filters=filters, before=before, limit=limit)

    def wait(self, view: SubmissionView, seconds: float) -> SubmissionView:
        """Wait for the execution's last event."""
        return self._awaited(view, self._events.expect(view.execution.id), seconds, may_be_final=True)

    def cancel(self, submission_id: UUID, owner_id: UUID | None) -> SubmissionView:
        """Change the row, then tell the worker that held it, and whoever waits."""
        self._canceller.submission(submission_id, owner_id)
        return submissions.get(self._db, self._blobs, submission_id, owner_id)

    def stream(self, submission_id: UUID, owner_id: UUID | None, ordinal: int, name: Stream) -> Whole:
        """Open what a program wrote."""
        return values.stream(self._db, self._blobs, submission_id, owner_id, ordinal=ordinal, name=name)

    def compile_output(self, submission_id: UUID, owner_id: UUID | None) -> Whole:
        """Open what the compiler wrote."""
        return values.compile_output(self._db, self._blobs, submission_id, owner_id)

    def artifact(self, submission_id: UUID, owner_id: UUID | None, ordinal: int, path: str) -> Whole:
        """Open a collected file."""
        return values.artifact(self._db, self._blobs, submission_id, owner_id, ordinal=ordinal, path=path)

    def availability(self) -> Mapping[str, str]:
        """Ask what the live hosts reported."""
        return hosts.availability(self._db)

    def hosts(self) -> Sequence[Host]:
        """Ask PostgreSQL what they said."""
        return hosts.known(self._db)

    def checks(self) -> Sequence[readiness.Check]:
        """Ask PostgreSQL, Redis, the broker, the blob store and the hosts' heartbeats."""
        return readiness.checks(self._db, self._redis, self._blob_trials, self._ask_broker)

    def _awaited(
        self, view: SubmissionView, end: Expectation, seconds: float, *, may_be_final: bool = False
    ) -> SubmissionView:
        """Wait, and read the execution again."""
        execution_id = view.execution.id
        end.wait(lambda: submissions.state_of(self._db, execution_id).final, seconds, may_be_final=may_be_final)
        return submissions.again(self._db, self._blobs, view)
