"""A recorder of spans that keeps them in memory, in the place of OpenTelemetry."""

from dataclasses import dataclass, field

from domain.spans import Attributes, Kind
from domain.tracing import Trace


@dataclass
class Kept:
    """One span."""

    name: str
    parent: Trace | None
    kind: Kind
    trace: Trace
    start_ns: int | None
    attributes: dict[str, object]
    failed: str | None = None
    ended: bool = False

    def set(self, attributes: Attributes) -> None:
        self.attributes |= attributes

    def fail(self, error_type: str) -> None:
        self.failed = error_type

    def end(self) -> None:
        self.ended = True


@dataclass
class Recorder:
    """Keeps them in order."""

    kept: list[Kept] = field(default_factory=list)
    closed: bool = False

    def begin(
        self,
        name: str,
        parent: Trace | None,
        kind: Kind,
        attributes: Attributes,
        *,
        own: Trace | None = None,
        start_ns: int | None = None,
    ) -> Kept:
        trace = own or Trace(parent.trace_id if parent else "a" * 32, f"{len(self.kept) + 1:016x}", sampled=True)
        self.kept.append(Kept(name, parent, kind, trace, start_ns, dict(attributes)))
        return self.kept[-1]

    def close(self) -> None:
        self.closed = True
