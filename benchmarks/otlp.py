"""A receiver of spans: takes what programs send by OTLP over HTTP, on 127.0.0.1, and keeps it in memory."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

PATH = "/v1/traces"


@dataclass(frozen=True)
class Received:
    """One span, as it was sent."""

    service: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty where it has none."""
    name: str
    kind: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, object]
    failed: bool
    said: str
    """The words beside its status."""
    events: int

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return (self.end_ns - self.start_ns) / 1e6


@dataclass
class Receiver:
    """The server; a context manager. `raw` is all that came, as bytes."""

    raw: list[bytes] = field(default_factory=list)
    _spans: dict[str, Received] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="otlp", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def environ(self) -> Mapping[str, str]:
        """What has a platform send its spans here, soon."""
        return {
            "SHIPD_TRACES": "on",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._server.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def spans(self, trace_id: str | None = None) -> list[Received]:
        """Give what came so far, of one trace or of all, by the time of their beginning."""
        known = sorted(self._spans.copy().values(), key=lambda one: (one.start_ns, -one.end_ns))
        return [one for one in known if trace_id in {None, one.trace_id}]

    def take(self, body: bytes) -> None:
        """Take one request."""
        self.raw.append(body)
        for one in _read(ExportTraceServiceRequest.FromString(body)):
            self._spans[one.span_id] = one

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self.take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path == PATH:
                    take(body)
                self.send_response(200 if self.path == PATH else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _read(request: ExportTraceServiceRequest) -> Iterator[Received]:
    for resource in request.resource_spans:
        service = str(_values(resource.resource.attributes).get("service.name", ""))
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _span(service, span)


def _span(service: str, span: SentSpan) -> Received:
    return Received(
        service=service,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=SentSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_values(span.attributes),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        said=span.status.message,
        events=len(span.events),
    )


def _values(pairs: Iterator[KeyValue]) -> dict[str, object]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind)
