"""The client whose methods are awaited: under asyncio or trio."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import anyio
import httpx

from client import transport
from client.batches import Collected
from client.calls import Operations
from client.flows import Call, Failure, Flow, Pause, Policy, Reply, retried
from client.models import BatchItem, Event, Submission, SubmissionRequest
from client.streams import Events, Results, Stream

T = TypeVar("T")


class AsyncClient(Operations):
    """The API at `url` with one key. An asynchronous context manager that closes its connections.

    `timeout_s` is how long it may be silent, `policy` how often what failed is tried again. Every method may raise
    client.ApiError and client.Unreachable.
    """

    def __init__(
        self, url: str, api_key: str = "", *, policy: Policy | None = None, timeout_s: float = transport.TIMEOUT_S
    ) -> None:
        self.url = url
        self.policy = policy or Policy()
        self._http = httpx.AsyncClient(**transport.options(url, api_key, timeout_s))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def submissions(self, *, limit: int = 100, **filters: str) -> AsyncIterator[Submission]:
        """List all submissions, newest first, fetched `limit` at a time; filters as the API has them."""
        cursor: str | None = None
        while True:
            page = await self.page(limit=limit, cursor=cursor, **filters)
            for found in page["submissions"]:
                yield found
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def events(self, submission_id: str, *, after: str | None = None) -> AsyncIterator[Event]:
        """Follow a submission up to its `done`, over broken connections too; `after` is the id of an event."""
        return self._follow(Events(submission_id, self.policy, after=after))

    async def results(self, batch_id: str) -> AsyncIterator[BatchItem]:
        """Give what was accepted of a batch, each with its result as it ends."""
        batch = await self.get_batch(batch_id)
        async for item in self._follow(Results(batch_id, batch["counts"]["accepted"], self.policy)):
            yield item

    async def run_batch(
        self, requests: Sequence[SubmissionRequest], *, progress: Callable[[int], None] | None = None
    ) -> list[BatchItem]:
        """Send any number of submissions and give what became of each, in their order.

        `progress` is told how many more are over (`client.progress.bar` draws that).
        """
        collected = Collected(len(requests), progress)
        for first, part in collected.parts(requests):
            batch = await self.send_batch(part)
            collected.sent(first, batch)
            async for item in self.results(batch["id"]):
                collected.over(first, item)
        return collected.items()

    async def run(self, flow: Flow[T]) -> T:
        """Do what a flow says, and give what it returns."""
        steps, said = retried(flow, self.policy), None
        while True:
            try:
                step = steps.send(said)
            except StopIteration as end:
                found: T = end.value
                return found
            said = await self._do(step)

    async def _do(self, step: Call | Pause) -> Reply | Failure | None:
        if isinstance(step, Pause):
            await anyio.sleep(step.seconds)
            return None
        try:
            sent = None if step.file is None else _pieces(step.file)
            return transport.reply(await self._http.request(**transport.asked(step), content=sent))
        except httpx.TransportError as error:
            return Failure(error)

    async def _follow(self, stream: Stream[T]) -> AsyncIterator[T]:
        while not stream.done:
            ended: Reply | Failure | None = None
            try:
                async with self._http.stream(**transport.asked(stream.call())) as response:
                    stream.begin(response.status_code)
                    if not response.is_success:
                        await response.aread()
                        ended = transport.reply(response)
                    else:
                        async for chunk in response.aiter_bytes():
                            for item in stream.feed(chunk):
                                yield item
            except httpx.TransportError as error:
                ended = Failure(error)
            if not stream.done:
                await anyio.sleep(stream.pause_s(ended))


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    for piece in transport.pieces(path):
        yield piece
