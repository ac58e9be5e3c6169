"""How long each phase of an execution took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from domain import spans
from domain.model import Phases
from domain.spans import Span
from workers.compile import CompileError


class Stopwatch:
    """Adds up wall time by phase; a phase within another is not counted in both. Belongs to one thread."""

    def __init__(self, queue_ms: int | None) -> None:
        self.queue_ms = queue_ms
        self.spent: dict[str, float] = {}
        """Seconds by phase."""
        self._open: list[str] = []
        self._mark = time.monotonic()

    @contextmanager
    def phase(self, name: str) -> Iterator[Span]:
        """Count the block as `name`, and record it as a span."""
        self._account()
        self._open.append(name)
        try:
            with spans.span(name, expected=(CompileError,)) as span:
                yield span
        finally:
            self._account()
            self._open.pop()

    def add(self, other: "Stopwatch") -> None:
        """Count what another one did: of work done at the same moment, all counts."""
        for name, seconds in other.spent.items():
            self.spent[name] = self.spent.get(name, 0.0) + seconds

    def _account(self) -> None:
        now = time.monotonic()
        if self._open:
            self.spent[self._open[-1]] = self.spent.get(self._open[-1], 0.0) + now - self._mark
        self._mark = now

    def phases(self) -> Phases:
        """Give what was spent; a phase that did not happen is None."""
        spent = {f"{name}_ms": round(seconds * 1000) for name, seconds in self.spent.items()}
        return Phases(queue_ms=self.queue_ms, **spent)
