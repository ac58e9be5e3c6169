"""Spans: the steps of a trace with their times, recorded where a deployment wants that (SHIPD_TRACES=on), else nothing.

    with spans.span("claim", spans.POSTGRESQL, Kind.CLIENT) as span:
        span.set({"shipd.attempt": 2})

A span is a child of the one that is open in this context; log lines of the block bear its id. Attributes are ids, names
of ours and numbers: never a source, an input, an output, a name or a path that somebody chose, and of an error its type
alone. Where nothing is recorded OpenTelemetry is not imported, and a span costs one look at a variable.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from importlib.util import find_spec
from types import TracebackType
from typing import Protocol, Self

from domain import tracing
from domain.logging import logger
from domain.settings import Settings
from domain.tracing import Trace

Attributes = Mapping[str, str | int | float | bool | None]
"""What is None is left out."""
MESSAGE: Attributes = {
    "messaging.system": "celery",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
}
NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
POSTGRESQL: Attributes = {"db.system.name": "postgresql"}


class Kind(StrEnum):
    """What a span is to who is on its other side, as OpenTelemetry has it."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


class Span(Protocol):
    """One step that is being done."""

    def set(self, attributes: Attributes) -> None:
        """Say more of it."""

    def fail(self, error_type: str) -> None:
        """Say that it failed, and by what; an exception that leaves the block says so by itself."""


class Recorded(Span, Protocol):
    """A span that is told when it is over."""

    trace: Trace

    def end(self) -> None:
        """Say that it is over."""


class Recorder(Protocol):
    """Whoever keeps spans: `domain.otel`."""

    def begin(
        self,
        name: str,
        parent: Trace | None,
        kind: Kind,
        attributes: Attributes,
        *,
        own: Trace | None = None,
        start_ns: int | None = None,
    ) -> Recorded:
        """Begin a span, now or at a moment of the Unix clock; `own` are the ids that it has already."""

    def close(self) -> None:
        """Send what is left; nothing is recorded afterwards."""


class _Nothing:
    """A span that nobody records."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Whatever it was goes on."""

    def set(self, attributes: Attributes) -> None:
        """Nobody listens."""

    def fail(self, error_type: str) -> None:
        """Nobody listens."""


log = logger(__name__)

NOTHING = _Nothing()
_recorder: Recorder | None = None
_message: ContextVar[Span] = ContextVar("message", default=NOTHING)


def check(settings: Settings) -> None:
    """Raise ValueError where spans are to be recorded and cannot be."""
    if settings.traces == "on" and not _installed():
        hint = "install it with: pip install 'shipd[traces]', or set SHIPD_TRACES=off"
        raise ValueError(f"SHIPD_TRACES=on, and OpenTelemetry with its exporter is not installed; {hint}")


def _installed() -> bool:
    try:
        return all(find_spec(name) is not None for name in NEEDED)
    except ModuleNotFoundError:  # what one of them is a part of
        return False


def start(settings: Settings, program: str) -> None:
    """Record from now on what this process does, where the settings say so; after its last fork.

    Never raises: where nothing can be recorded, that is logged, and all else is done as ever.
    """
    global _recorder  # noqa: PLW0603 - one for the process, like its log
    if settings.traces == "on" and _recorder is None:
        try:
            from domain.otel import OpenTelemetry  # noqa: PLC0415 - who does not trace need not have it

            _recorder = OpenTelemetry(f"shipd-{program}", settings)
        except Exception:  # OpenTelemetry's own settings (OTEL_...) are read here
            log.exception("traces_not_recorded", hint="see whether a variable OTEL_... is wrong")


def stop() -> None:
    """Send what is left, and record no more."""
    global _recorder  # noqa: PLW0603
    if _recorder is not None:
        _recorder.close()
        _recorder = None


def recording() -> bool:
    """Whether anything is recorded."""
    return _recorder is not None


def span(
    name: str,
    attributes: Attributes | None = None,
    kind: Kind = Kind.INTERNAL,
    *,
    expected: tuple[type[Exception], ...] = (),
) -> AbstractContextManager[Span]:
    """Record a block; exceptions that are `expected` are no failure of it."""
    if _recorder is None:
        return NOTHING
    return _block(_recorder.begin(name, tracing.current(), kind, attributes or {}), expected)


def received(header: object, name: str, attributes: Attributes) -> AbstractContextManager[Span]:
    """Do what a message asks for, in the trace that it bears; if it bears none and spans are recorded, in a new one."""
    if _recorder is None:
        return _unrecorded(header)
    parent = tracing.read(header)
    return _task(_recorder.begin(name, parent, Kind.CONSUMER, attributes), parent)


def note(attributes: Attributes) -> None:
    """Say more of what is being done because of a message, wherever in it we are."""
    _message.get().set(attributes)


def begin(header: str | None, name: str, attributes: Attributes) -> Recorded | None:
    """Begin to answer a request, for all that this context does from now on; None where nothing is recorded."""
    if _recorder is None:
        return None
    sent = tracing.read(header)
    found = _recorder.begin(name, sent, Kind.SERVER, attributes)
    tracing.enter(found.trace)
    return found


def take_over(header: str, asked: str | None, name: str, attributes: Attributes, start_ns: int) -> Recorded | None:
    """Go on with what another process of ours began and does not end; `asked` is the header of who asked that."""
    own = tracing.parse(header)
    if _recorder is None or own is None or not own.sampled:
        return None
    sent = tracing.read(asked)
    # What the other process sent was not read there either where it is no valid one.
    return _recorder.begin(name, sent, Kind.SERVER, attributes, own=own, start_ns=start_ns)


def before(name: str, began_at: datetime, attributes: Attributes) -> None:
    """Record what led to the span that is open, and was over just now: beside it, under the same parent."""
    trace = tracing.current()
    if _recorder is None or trace is None:
        return
    beside = trace if trace.parent_id is None else replace(trace, span_id=trace.parent_id)
    # By two clocks, PostgreSQL's and ours: never from what is to come.
    start_ns = min(round(began_at.timestamp() * 1e9), time.time_ns())
    _recorder.begin(name, beside, Kind.INTERNAL, attributes, start_ns=start_ns).end()


@contextmanager
def _unrecorded(header: object) -> Iterator[Span]:
    with tracing.span(header):
        yield NOTHING


@contextmanager
def _task(recorded: Recorded, parent: Trace | None) -> Iterator[Span]:
    entered = _message.set(recorded)
    try:
        with _block(recorded, parent=parent):
            yield recorded
    finally:
        _message.reset(entered)


@contextmanager
def _block(
    recorded: Recorded, expected: tuple[type[Exception], ...] = (), parent: Trace | None = None
) -> Iterator[Span]:
    trace = recorded.trace if parent is None else replace(recorded.trace, parent_id=parent.span_id)
    try:
        with tracing.within(trace):
            yield recorded
    except BaseException as error:
        if not isinstance(error, expected):
            recorded.fail(type(error).__qualname__)
        raise
    finally:
        recorded.end()
