"""Everything that can be asked of the API, once for both clients."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from math import inf
from time import monotonic
from typing import Generic, ParamSpec, Protocol, TypeVar, cast, overload

from client import problem_calls
from client.errors import Unreachable
from client.flows import Call, Flow, Pause, Reply
from client.models import Batch, Language, Page, Submission, SubmissionRequest

P = ParamSpec("P")
T = TypeVar("T")

MAX_WAIT_S = 60
"""The API holds an answer no longer."""
BETWEEN_S = 0.05
"""The least between two questions of the same, should the API not hold its answers."""
MAX_BATCH = 1000
FINAL = frozenset({"done", "cancelled"})
"""States that nothing follows."""


class Waiting(Protocol):
    """A client whose methods come back with the answer."""

    def run(self, flow: Flow[T]) -> T:
        """Do what a flow says, and give what it returns."""


class Awaited(Protocol):
    """A client whose methods are awaited."""

    async def run(self, flow: Flow[T]) -> T:
        """Do what a flow says, and give what it returns."""


class Operation(Generic[P, T]):
    """A method of both clients, described by its flow."""

    def __init__(self, flow: Callable[P, Flow[T]]) -> None:
        self.flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, client: Waiting, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Awaited, owner: type) -> Callable[P, Awaitable[T]]: ...

    def __get__(self, client: Waiting | Awaited, owner: type) -> Callable[P, T | Awaitable[T]]:
        @wraps(self.flow)
        def method(*args: P.args, **kwargs: P.kwargs) -> T | Awaitable[T]:
            return client.run(self.flow(*args, **kwargs))

        return method


def _submit(request: SubmissionRequest, *, wait: float = 0, idempotency_key: str | None = None) -> Flow[Submission]:
    """Send a submission, and hold for its result `wait` seconds, 60 at most. It is made once however often it is sent.

    A key of the caller's own makes it once over several calls, too.
    """
    call = Call("POST", "/v1/submissions", _waiting(wait), request, _once(request, idempotency_key))
    return cast("Submission", _json((yield call)))


def _get(submission_id: str, *, wait: float = 0) -> Flow[Submission]:
    """Read a submission with its current execution; `wait` holds until that is over, 60 seconds at most."""
    return cast("Submission", _json((yield Call("GET", f"/v1/submissions/{submission_id}", _waiting(wait)))))


def _wait(submission_id: str, *, timeout: float | None = None) -> Flow[Submission]:
    """Read a submission once its execution is over, or `timeout` seconds have passed: look at its `state`."""
    ends = inf if timeout is None else monotonic() + timeout
    while True:
        found = yield from _get(submission_id, wait=min(MAX_WAIT_S, max(0.0, ends - monotonic())))
        if found["execution"]["state"] in FINAL or monotonic() >= ends:
            return found
        yield Pause(BETWEEN_S)


def _cancel(submission_id: str) -> Flow[Submission]:
    """End a submission: what runs of it is killed. One that is over stays as it is."""
    return cast("Submission", _json((yield Call("DELETE", f"/v1/submissions/{submission_id}"))))


def _page(*, limit: int = 20, cursor: str | None = None, **filters: str) -> Flow[Page]:
    """List submissions, newest first, a page at a time; filters as the API has them."""
    params: dict[str, str | int | float] = {"limit": limit, **filters, **({"cursor": cursor} if cursor else {})}
    return cast("Page", _json((yield Call("GET", "/v1/submissions", params))))


def _languages() -> Flow[list[Language]]:
    """List the languages, and which of them a live worker has."""
    answer = cast("Mapping[str, list[Language]]", _json((yield Call("GET", "/v1/languages"))))
    return answer["languages"]


def _download(path: str) -> Flow[bytes]:
    """Read what an answer links to, whole: an output that was cut, an artifact."""
    return _reply((yield Call("GET", path))).content


def _send_batch(
    requests: Sequence[SubmissionRequest], *, wait: float = 0, idempotency_key: str | None = None
) -> Flow[Batch]:
    """Send up to 1000 submissions at once; each is taken or refused by itself, which `items` tells."""
    headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
    body = {"submissions": list(requests)}
    return cast("Batch", _json((yield Call("POST", "/v1/batches", _waiting(wait), body, headers))))


def _get_batch(batch_id: str, *, wait: float = 0) -> Flow[Batch]:
    """Read how far a batch is; `wait` holds until all of it is over, 60 seconds at most."""
    return cast("Batch", _json((yield Call("GET", f"/v1/batches/{batch_id}", _waiting(wait)))))


def _cancel_batch(batch_id: str) -> Flow[Batch]:
    """Cancel what is not over of what a batch made."""
    return cast("Batch", _json((yield Call("DELETE", f"/v1/batches/{batch_id}"))))


def _waiting(seconds: float) -> dict[str, str | int | float]:
    return {"wait": f"{min(float(seconds), MAX_WAIT_S):.3f}"} if seconds > 0 else {}


def _once(request: SubmissionRequest, key: str | None) -> dict[str, str]:
    """Have a request made once: by the id that it has, by the caller's key, or by one of ours."""
    if "id" in request and key is None:
        return {}
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def _reply(said: object) -> Reply:
    if not isinstance(said, Reply):
        raise TypeError(f"a call must be answered by a reply, not by {said!r}")
    return said


def _json(said: object) -> object:
    found = _reply(said).json()
    if not isinstance(found, dict):
        raise Unreachable("what answers there is not this API: its answer is no JSON object")
    return found


class Operations:
    """The methods that both clients have."""

    submit = Operation(_submit)
    get = Operation(_get)
    wait = Operation(_wait)
    cancel = Operation(_cancel)
    page = Operation(_page)
    languages = Operation(_languages)
    download = Operation(_download)
    send_batch = Operation(_send_batch)
    get_batch = Operation(_get_batch)
    cancel_batch = Operation(_cancel_batch)
    problem = Operation(problem_calls.problem)
    problems = Operation(problem_calls.problems)
    problem_version = Operation(problem_calls.problem_version)
    checked_version = Operation(problem_calls.checked_version)
    put_package = Operation(problem_calls.put_package)
    delete_problem = Operation(problem_calls.delete_problem)
