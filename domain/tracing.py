"""W3C trace context: whose work this is, from the caller's `traceparent` to the worker's log lines.

    00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01      version, trace, span of who asks, flags

The trace goes on as it came, the span is ours: a new one for each request and each task. What is no valid `traceparent`
begins a new trace. Log lines bear `trace_id` and `span_id`, those of the spans that are recorded (`domain/spans.py`).
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import structlog

HEADER = "traceparent"
REQUEST_ID = "request_id"
"""The id of the HTTP request that began it: in log lines, and in messages beside the trace."""
REQUEST_ID_FORM = r"[A-Za-z0-9._-]{1,64}"
_VERSION = "00"
_FORM = re.compile(r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")
_ID = re.compile(REQUEST_ID_FORM)
_LONGEST = 512
_SAMPLED = 0x01


@dataclass(frozen=True)
class Trace:
    """A trace and our own span in it."""

    trace_id: str
    span_id: str
    sampled: bool = False
    """Whether the caller records it."""
    parent_id: str | None = field(default=None, compare=False)
    """The span that ours belongs to, where that is recorded."""

    @property
    def header(self) -> str:
        """As `traceparent` says it."""
        return f"{_VERSION}-{self.trace_id}-{self.span_id}-{_SAMPLED if self.sampled else 0:02x}"


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def parse(header: str) -> Trace | None:
    """Read a `traceparent` strictly; None for what is none. The span is the caller's.

    Of later versions than ours the beginning is read, as the standard says; more may follow it there alone.
    """
    found = _FORM.match(header) if len(header) <= _LONGEST else None
    if found is None or found["version"] == "ff":
        return None
    rest = header[found.end() :]
    if rest and (found["version"] == _VERSION or not rest.startswith("-")):
        return None
    if not int(found["trace"], 16) or not int(found["span"], 16):
        return None
    return Trace(found["trace"], found["span"], bool(int(found["flags"], 16) & _SAMPLED))


def begin(header: str | None) -> Trace:
    """Begin a span of the trace that was sent, or of a new one, for all that this context does from now on."""
    sent = parse(header) if header is not None else None
    return enter(Trace(sent.trace_id if sent else _new(16), _new(8), sent is not None and sent.sampled))


def go_on(header: str) -> Trace:
    """Go on with a span of our own that another process of ours began."""
    return enter(parse(header) or Trace(_new(16), _new(8)))


def end() -> None:
    """Belong to no trace from now on."""
    _current.set(None)
    structlog.contextvars.unbind_contextvars("trace_id", "span_id")


@contextmanager
def span(header: object) -> Iterator[None]:
    """Do a block within the trace that a message bears; without a valid one it is done all the same."""
    sent = read(header)
    if sent is None:
        yield
        return
    with within(Trace(sent.trace_id, _new(8), sent.sampled)):
        yield


def read(header: object) -> Trace | None:
    """Read what a message bears, whatever that is."""
    return parse(header) if isinstance(header, str) else None


@contextmanager
def within(trace: Trace) -> Iterator[None]:
    """Do a block in a span of ours; afterwards all is as it was before."""
    entered = _current.set(trace)
    bound = structlog.contextvars.bind_contextvars(trace_id=trace.trace_id, span_id=trace.span_id)
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**bound)
        _current.reset(entered)


@contextmanager
def outside() -> Iterator[None]:
    """Do for somebody else what belongs to no trace of ours: messages that are sent in the block bear none."""
    entered = _current.set(None)
    bound = structlog.contextvars.bind_contextvars(trace_id=..., span_id=..., request_id=...)
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**bound)
        _current.reset(entered)


def current() -> Trace | None:
    """Give the trace that this context belongs to."""
    return _current.get()


def headers() -> dict[str, str]:
    """What a message to others bears, so that their work belongs to this trace; empty outside of one."""
    trace = _current.get()
    if trace is None:
        return {}
    asked = structlog.contextvars.get_contextvars().get(REQUEST_ID)
    return {HEADER: trace.header, **({REQUEST_ID: asked} if isinstance(asked, str) else {})}


def carried(sent: Mapping[str, object]) -> dict[str, str]:
    """Read what log lines say besides of a message with these headers: the request that began it."""
    asked = sent.get(REQUEST_ID)
    return {REQUEST_ID: asked} if isinstance(asked, str) and _ID.fullmatch(asked) else {}


def enter(trace: Trace) -> Trace:
    """Belong to it from now on, until `end`."""
    _current.set(trace)
    structlog.contextvars.bind_contextvars(trace_id=trace.trace_id, span_id=trace.span_id)
    return trace


def _new(count: int) -> str:
    """Give so many random bytes as text; all zeros would mean none."""
    return secrets.token_bytes(count).hex().replace("0" * 2 * count, "1" * 2 * count)
