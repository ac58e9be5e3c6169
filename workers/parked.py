"""Large executions that found another one waiting for room on this host: who they are, to be sent again in turn.

They are queued in PostgreSQL as ever, and the sweeper sends them again after a while whatever happens here. This list
is a hint that spares them that while: whoever leaves the door has the next one sent. So each comes once for each time
that somebody leaves, however many wait, and none comes in vain over and over.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from uuid import UUID

from domain.model import Priority

MOST = 1000
"""More than that are left to the sweeper alone."""


@dataclass(frozen=True)
class Parked:
    """The list of one instance, in a file that its processes share."""

    path: Path

    def add(self, execution_id: UUID, priority: Priority) -> None:
        """Put one at the end, if it is not there. Raises OSError."""
        with self._lines() as (file, lines):
            line = f"{execution_id} {priority.value}"
            if line not in lines and len(lines) < MOST:
                _write(file, [*lines, line])

    def next(self) -> tuple[UUID, Priority] | None:
        """Take the one that has waited longest; None where there is none. Raises OSError."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return None
        with self._lines() as (file, lines):
            if not lines:
                return None
            _write(file, lines[1:])
        name, _, priority = lines[0].partition(" ")
        return UUID(name), Priority(priority)

    @contextmanager
    def _lines(self) -> Iterator[tuple[TextIO, list[str]]]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            # A line that a killed process did not end is nobody.
            yield file, [line[:-1] for line in file if line.endswith("\n")]


def _write(file: TextIO, lines: list[str]) -> None:
    file.truncate(0)
    file.write("".join(f"{line}\n" for line in lines))
    file.flush()
