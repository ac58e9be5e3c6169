"""Spans by OpenTelemetry, sent by OTLP over HTTP; the standard's own variables (OTEL_...) say where to and how many.

Imported only where SHIPD_TRACES=on. What sends is a thread, so it is made after the last fork.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from domain import __version__
from domain.settings import Settings
from domain.spans import Attributes, Kind
from domain.tracing import Trace


class Ids(RandomIdGenerator):
    """Random, but for a span that another process began: that has its ids already."""

    def __init__(self) -> None:
        super().__init__()
        self._taken = threading.local()

    @contextmanager
    def taken(self, own: Trace | None) -> Iterator[None]:
        """Give these ids in the block."""
        self._taken.own = own
        try:
            yield
        finally:
            self._taken.own = None

    def generate_trace_id(self) -> int:
        """Give the id of a trace that begins here."""
        own = self._own()
        return super().generate_trace_id() if own is None else int(own.trace_id, 16)

    def generate_span_id(self) -> int:
        """Give the id of a span."""
        own = self._own()
        return super().generate_span_id() if own is None else int(own.span_id, 16)

    def _own(self) -> Trace | None:
        own: Trace | None = getattr(self._taken, "own", None)
        return own


class OpenSpan:
    """A span of OpenTelemetry's."""

    def __init__(self, span: Span) -> None:
        self._span = span
        known = span.get_span_context()
        self.trace = Trace(f"{known.trace_id:032x}", f"{known.span_id:016x}", known.trace_flags.sampled)

    def set(self, attributes: Attributes) -> None:
        """Say more of it."""
        self._span.set_attributes({name: value for name, value in attributes.items() if value is not None})

    def fail(self, error_type: str) -> None:
        """Say by what it failed: its type and no more, for words may be anybody's."""
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """Leave it to who sends."""
        self._span.end()


class OpenTelemetry:
    """Records spans of one process."""

    def __init__(self, service: str, settings: Settings) -> None:
        self._ids = Ids()
        own = {
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or service,
            "service.version": __version__,
            "service.namespace": settings.instance,
            "service.instance.id": f"{settings.host_name}/{os.getpid()}",
            "host.name": settings.host_name,
        }
        self._provider = TracerProvider(resource=Resource.create(own), id_generator=self._ids)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("shipd", __version__)

    def begin(
        self,
        name: str,
        parent: Trace | None,
        kind: Kind,
        attributes: Attributes,
        *,
        own: Trace | None = None,
        start_ns: int | None = None,
    ) -> OpenSpan:
        """Begin a span; whether it is recorded is the sampler's to say."""
        with self._ids.taken(own):
            span = self._tracer.start_span(
                name,
                _context(parent),
                SpanKind[kind],
                {known: value for known, value in attributes.items() if value is not None},
                start_time=start_ns,
                record_exception=False,
                set_status_on_exception=False,
            )
        return OpenSpan(span)

    def close(self) -> None:
        """Send what is left, for as long as the exporter is patient (OTEL_EXPORTER_OTLP_TIMEOUT)."""
        self._provider.shutdown()


def _context(parent: Trace | None) -> Context:
    if parent is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    known = SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(known), Context())
