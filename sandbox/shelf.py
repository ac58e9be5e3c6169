"""What a pool has standing, and what it counts."""

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sandbox.kind import Kind
from sandbox.result import SandboxError
from sandbox.seam import always
from sandbox.slots import Slot
from sandbox.warm import Maker, Warm


@dataclass
class PoolStats:
    """What became of the asking; counts since the start, times in seconds."""

    hits: int = 0
    waited: int = 0
    """Hits that had to wait for a jail being made."""
    misses: int = 0
    broken: int = 0
    acquire_s: float = 0.0
    """Of all hits together."""
    made: int = 0
    make_s: float = 0.0
    """Of all jails together, as the thread saw it: with what it did in between, waiting included."""
    forecast_error: float = 0.0
    """Mean absolute error of the forecast, in jails asked for a second."""


@dataclass
class Shelf:
    """One maker and the jail that it has standing, if it has."""

    kind: Kind
    slot: Slot
    maker: Maker | None = None
    ready: Warm | None = None
    taken: bool = False
    wanted: Callable[[], bool] = always
    """Whether another jail will be asked for, as far as is known."""
    idle: bool = False
    """Whether it is left empty, because nothing more was wanted, until somebody asks all the same."""
    used_at: float = field(default_factory=time.monotonic)

    @property
    def state(self) -> str:
        """`taken`, `ready`, `making` or `idle`."""
        if self.taken:
            return "taken"
        if self.idle:
            return "idle"
        return "making" if self.ready is None else "ready"


def end(parts: Iterable[Warm | Maker]) -> None:
    """End what is not wanted any more: makers first, or they would make another."""
    for part in sorted(parts, key=lambda one: isinstance(one, Warm)):
        with contextlib.suppress(SandboxError):  # a jail that does not end is killed by whoever takes the slot next
            if isinstance(part, Warm):
                part.end()
            else:
                part.close()
