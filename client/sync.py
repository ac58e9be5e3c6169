"""The client whose methods come back with the answer."""

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx

from client import transport
from client.batches import Collected
from client.calls import Operations
from client.flows import Call, Failure, Flow, Pause, Policy, Reply, retried
from client.models import BatchItem, Event, Submission, SubmissionRequest
from client.streams import Events, Results, Stream

T = TypeVar("T")


class Client(Operations):
    """The API at `url` with one key; safe to share between threads. A context manager that closes its connections.

    `timeout_s` is how long it may be silent, `policy` how often what failed is tried again. Every method may raise
    client.ApiError and client.Unreachable.
    """

    def __init__(
        self, url: str, api_key: str = "", *, policy: Policy | None = None, timeout_s: float = transport.TIMEOUT_S
    ) -> None:
        self.url = url
        self.policy = policy or Policy()
        self._http = httpx.Client(**transport.options(url, api_key, timeout_s))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submissions(self, *, limit: int = 100, **filters: str) -> Iterator[Submission]:
        """List all submissions, newest first, fetched `limit` at a time; filters as the API has them."""
        cursor: str | None = None
        while True:
            page = self.page(limit=limit, cursor=cursor, **filters)
            yield from page["submissions"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def events(self, submission_id: str, *, after: str | None = None) -> Iterator[Event]:
        """Follow a submission up to its `done`, over broken connections too; `after` is the id of an event."""
        return self._follow(Events(submission_id, self.policy, after=after))

    def results(self, batch_id: str) -> Iterator[BatchItem]:
        """Give what was accepted of a batch, each with its result as it ends."""
        return self._follow(Results(batch_id, self.get_batch(batch_id)["counts"]["accepted"], self.policy))

    def run_batch(
        self, requests: Sequence[SubmissionRequest], *, progress: Callable[[int], None] | None = None
    ) -> list[BatchItem]:
        """Send any number of submissions and give what became of each, in their order.

        `progress` is told how many more are over (`client.progress.bar` draws that).
        """
        collected = Collected(len(requests), progress)
        for first, part in collected.parts(requests):
            batch = self.send_batch(part)
            collected.sent(first, batch)
            for item in self.results(batch["id"]):
                collected.over(first, item)
        return collected.items()

    def run(self, flow: Flow[T]) -> T:
        """Do what a flow says, and give what it returns."""
        steps, said = retried(flow, self.policy), None
        while True:
            try:
                step = steps.send(said)
            except StopIteration as end:
                found: T = end.value
                return found
            said = self._do(step)

    def _do(self, step: Call | Pause) -> Reply | Failure | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            sent = None if step.file is None else transport.pieces(step.file)
            return transport.reply(self._http.request(**transport.asked(step), content=sent))
        except httpx.TransportError as error:
            return Failure(error)

    def _follow(self, stream: Stream[T]) -> Iterator[T]:
        while not stream.done:
            ended: Reply | Failure | None = None
            try:
                with self._http.stream(**transport.asked(stream.call())) as response:
                    stream.begin(response.status_code)
                    if not response.is_success:
                        response.read()
                        ended = transport.reply(response)
                    else:
                        for chunk in response.iter_bytes():
                            yield from stream.feed(chunk)
            except httpx.TransportError as error:
                ended = Failure(error)
            if not stream.done:
                time.sleep(stream.pause_s(ended))
