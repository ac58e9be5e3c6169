"""What listening needs of the domain, and the domain behind it."""

from collections.abc import Callable
from functools import partial
from typing import Protocol
from uuid import UUID

from domain import standing
from domain.db import Database
from domain.following import Following
from domain.listening import Listening
from domain.live import Live, Place
from domain.standing import Current
from streams import ending


class Streams(Protocol):
    """Each method may raise domain.errors.Unavailable."""

    def current(self, submission_id: UUID, owner_id: UUID | None) -> Current:
        """Name the current execution of a submission; `owner_id` None means anyone's. Raises NotFound."""

    def follow(self, execution_id: UUID, after: Place | None, on_drop: Callable[[], None]) -> Following:
        """Listen to an execution; `on_drop` is called when it is too slow. To be closed. Raises NotFound."""

    def type(self, execution_id: UUID, data: bytes | None) -> bool:
        """Pass on what was typed, None for its end; False: it was too much."""


class DomainStreams:
    """The real one; nothing is connected, and no thread started, before it is used."""

    def __init__(self, db: Database, live: Live) -> None:
        self._db = db
        self._live = live
        self._standing_of = partial(standing.of, db)
        self._listening = Listening(self._live, self._standing_of)
        ending.when_ending(self._listening.stop)

    def current(self, submission_id: UUID, owner_id: UUID | None) -> Current:
        """Ask PostgreSQL."""
        return standing.current(self._db, submission_id, owner_id)

    def follow(self, execution_id: UUID, after: Place | None, on_drop: Callable[[], None]) -> Following:
        """Join the listeners of this process."""
        return Following(self._listening, self._live, self._standing_of, execution_id, after, on_drop)

    def type(self, execution_id: UUID, data: bytes | None) -> bool:
        """Leave it on the execution's stream."""
        return self._live.type(execution_id, data)
