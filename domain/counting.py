"""Numbers that are counted: declared once, by name, for whatever process counts them (`domain/counted.py` lists them).

Where nobody asks for numbers nothing is made, prometheus_client is not even loaded (a tenth of a second of a command's
start), and counting costs one look at a flag. A number is made when it is first counted in a process that has begun to
(`begin`), because prometheus_client must know before where it is to be kept.

Who counts never fails by it: where a number cannot be kept, that is logged and the process counts no more.
"""

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from domain.logging import logger

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram

Kept = TypeVar("Kept", "Counter", "Gauge", "Histogram")

KNOWN: dict[str, "Number[Counter] | Number[Gauge] | Number[Histogram]"] = {}
"""All that are declared, by the name that Prometheus is told."""

_counting = threading.Event()
_lock = threading.Lock()
"""Held at each count, and across a fork: a child must not inherit a lock that a thread of its parent held."""
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)

log = logger(__name__)


def begin(folder: Path, *, beside: bool = False) -> None:
    """Count from now on, in this process and its children, into a folder: emptied, or one that others use as well."""
    from domain import metrics  # noqa: PLC0415 - as said above

    (metrics.keep_in if beside else metrics.share)(folder)
    _counting.set()


def end() -> None:
    """Count no more, and forget what was counted."""
    _counting.clear()
    for number in KNOWN.values():
        number.forget()


class Number(ABC, Generic[Kept]):
    """One name with its labels; their values are given with each count, in the same order."""

    kind: ClassVar[str]
    suffix: ClassVar[str] = ""

    def __init__(self, name: str, meaning: str, *labels: str) -> None:
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self._made: Kept | None = None
        self._children: dict[tuple[str, ...], Kept] = {}
        KNOWN[name + self.suffix] = self

    @abstractmethod
    def _make(self) -> Kept:
        """Make what prometheus_client keeps it in, for no registry: files are what is read."""

    def forget(self) -> None:
        """Begin anew with the next count."""
        self._made = None
        self._children = {}

    def _count(self, labels: tuple[str, ...], how: "Callable[[Kept], None]") -> None:
        """Count, where this process does."""
        if not _counting.is_set():
            return
        with _lock:
            try:
                if _counting.is_set():  # another thread may have failed while this one waited
                    how(self._of(labels))
            except Exception:  # files are made and grow as things are counted, in the middle of whatever is being done
                _counting.clear()
                hint = "see whether the disk is full or the folder gone, and start the process anew"
                log.exception("counting_stopped", number=self.name, hint=hint)

    def _of(self, labels: tuple[str, ...]) -> Kept:
        """Find the one with these labels; `_lock` is held."""
        found = self._children.get(labels)
        if found is None:
            if self._made is None:
                self._made = self._make()
            found = self._children[labels] = self._made.labels(*labels) if self.labels else self._made
        return found


class Count(Number["Counter"]):
    """What only grows."""

    kind = "counter"
    suffix = "_total"

    def add(self, *labels: str, by: float = 1) -> None:
        """Count. Nothing (0) makes it known, so that the first that is counted is seen as one more."""
        self._count(labels, lambda kept: kept.inc(by))

    def _make(self) -> "Counter":
        from prometheus_client import Counter  # noqa: PLC0415

        return Counter(self.name, self.meaning, self.labels, registry=None)


class Level(Number["Gauge"]):
    """What there is at the moment: in all living processes together, or (`mode="livemax"`) in the one with the most."""

    kind = "gauge"

    def __init__(self, name: str, meaning: str, *labels: str, mode: str = "livesum") -> None:
        super().__init__(name, meaning, *labels)
        self._mode = mode

    def set(self, value: float, *labels: str) -> None:
        """Say how much there is."""
        self._count(labels, lambda kept: kept.set(value))

    def change(self, by: float, *labels: str) -> None:
        """Say how much more there is."""
        self._count(labels, lambda kept: kept.inc(by))

    def _make(self) -> "Gauge":
        from prometheus_client import Gauge  # noqa: PLC0415

        return Gauge(self.name, self.meaning, self.labels, registry=None, multiprocess_mode=self._mode)  # type: ignore[arg-type] # one of prometheus_client's modes


class Spread(Number["Histogram"]):
    """How often values came within which bounds."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str, *labels: str, bounds: Sequence[float]) -> None:
        super().__init__(name, meaning, *labels)
        self._bounds = bounds

    def note(self, value: float, *labels: str) -> None:
        """Count a value."""
        self._count(labels, lambda kept: kept.observe(value))

    @contextmanager
    def timed(self, *labels: str) -> Iterator[None]:
        """Count how many seconds a block takes, however it ends."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.note(time.perf_counter() - began, *labels)

    def _make(self) -> "Histogram":
        from prometheus_client import Histogram  # noqa: PLC0415

        return Histogram(self.name, self.meaning, self.labels, registry=None, buckets=self._bounds)
