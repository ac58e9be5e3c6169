"""Answers that come line by line, and are gone on with where they broke off, without doing any of it.

A stream says what to call, is fed what comes, and says how long to pause before it is called again.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar, cast

from client.flows import Call, Failure, Policy, Reply, pause_after
from client.models import BatchItem, Event

T = TypeVar("T")

NOTHING_LEFT = 204


class Stream(ABC, Generic[T]):
    """One stream of things, over as many connections as it takes."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._failures = 0
        self._rest = b""
        self.done = False

    @abstractmethod
    def call(self) -> Call:
        """Say what to ask, so that it goes on behind what was fed."""

    @abstractmethod
    def _line(self, line: bytes) -> Iterator[T]:
        """Take a line."""

    def begin(self, status: int = 200) -> None:
        """Forget what was half fed: another connection begins. 204 says that there is nothing left to be told."""
        self._rest = b""
        self.done = self.done or status == NOTHING_LEFT

    def feed(self, chunk: bytes) -> Iterator[T]:
        """Take what came, and give what is whole. Only LF ends a line: JSON may hold what else is a line break."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            for item in self._line(line.removesuffix(b"\r")):
                self._failures = 0
                yield item

    def pause_s(self, ended: Reply | Failure | None) -> float:
        """Say how long to wait before it is called again; raises what is not to be tried again.

        None: it ended by itself, before its time.
        """
        self._failures += 1
        return pause_after(ended or Failure(ConnectionError("the stream ended")), self._failures, self._policy)


class Events(Stream[Event]):
    """Server-sent events of one submission, up to `done`."""

    def __init__(self, submission_id: str, policy: Policy, *, after: str | None = None) -> None:
        super().__init__(policy)
        self._path = f"/v1/submissions/{submission_id}/events"
        self.last_id = after
        self._fields: dict[str, str] = {}

    def begin(self, status: int = 200) -> None:
        """Forget an event that came in part."""
        super().begin(status)
        self._fields = {}

    def call(self) -> Call:
        """Ask for what came after the last event."""
        resume = {"Last-Event-ID": self.last_id} if self.last_id else {}
        return Call("GET", self._path, headers={"Accept": "text/event-stream", **resume})

    def _line(self, line: bytes) -> Iterator[Event]:
        if line:
            name, _, value = line.decode().partition(":")
            value = value.removeprefix(" ")
            # Data may come in several lines; a comment, which has no name, keeps the connection alive and no more.
            self._fields[name] = f"{self._fields[name]}\n{value}" if name in self._fields and name == "data" else value
            return
        fields, self._fields = self._fields, {}
        self.last_id = fields.get("id") or self.last_id
        if "data" in fields:
            event = Event(fields.get("id", ""), fields.get("event", "message"), json.loads(fields["data"]))
            self.done = event.event == "done"
            yield event


class Results(Stream[BatchItem]):
    """The accepted items of a batch with their results, as they end: each once, `expected` of them."""

    def __init__(self, batch_id: str, expected: int, policy: Policy) -> None:
        super().__init__(policy)
        self._path = f"/v1/batches/{batch_id}/results"
        self._after: str | None = None
        self._left = expected
        self.done = expected == 0

    def call(self) -> Call:
        """Ask for what was not told yet."""
        return Call("GET", self._path, {"after": self._after} if self._after else {})

    def pause_s(self, ended: Reply | Failure | None) -> float:
        """Go on at once where it ended by itself: the API holds it for a minute, whatever there is to tell."""
        return super().pause_s(ended) if ended is not None else 0.0

    def _line(self, line: bytes) -> Iterator[BatchItem]:
        if line:
            item = cast("BatchItem", json.loads(line))
            self._after = item.get("after")
            self._left -= 1
            self.done = self._left <= 0
            yield item
