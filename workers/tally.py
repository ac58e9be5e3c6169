"""What the processes of a worker tell its main process for the heartbeat: executions, failures, jails that stand ready.

FOLDER/PID holds the numbers of one process (`Tally`), written at each change with one call, so that a process that is
killed has told what it held: that counts as a failure of this host. A file is locked while its process lives; the
kernel lets go of it, however the process ends. The main process adds up what changed since it looked (`Tallies`).
"""

import contextlib
import fcntl
import os
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import Pool

PLAIN = "plain"
"""Names jails with nothing started in them."""
WINDOW_S = 300.0
"""For so long what happened counts."""
READY_S = 5.0
"""How old the numbers of a pool are at the most."""


@dataclass(frozen=True)
class Counts:
    """Of one process since its start."""

    begun: int = 0
    """Attempts of executions."""
    left: int = 0
    """Of them, those that are not being graded any more, however that came."""
    ended: int = 0
    """Of them, those that have a verdict."""
    failed: int = 0
    """Of them, those that the sandbox failed at."""

    @property
    def held(self) -> int:
        """Attempts that are being graded; of a process that is gone: that were lost with it."""
        return self.begun - self.left


class Layout:
    """How the numbers lie in a file: the counts, then the jails that stand ready for each language."""

    def __init__(self, languages: Sequence[str]) -> None:
        self.names = (*sorted(languages), PLAIN)
        self._struct = struct.Struct(f"<4Q{len(self.names)}H")

    def pack(self, counts: Counts, ready: Mapping[str, int]) -> bytes:
        """Write."""
        return self._struct.pack(*vars(counts).values(), *(ready.get(name, 0) for name in self.names))

    def unpack(self, data: bytes) -> tuple[Counts, Counter[str]]:
        """Read; what another release wrote counts as nothing."""
        if len(data) != self._struct.size:
            return Counts(), Counter()
        numbers = self._struct.unpack(data)
        return Counts(*numbers[:4]), Counter(dict(zip(self.names, numbers[4:], strict=True)))


class Tally:
    """The numbers of this process; made after the fork. Safe to share between threads."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._layout = layout
        self._counts = Counts()
        self._ready: Mapping[str, int] = {}
        self._lock = threading.Lock()
        self._ends = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".{os.getpid()}"
        self._file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._write()
        new.rename(folder / str(os.getpid()))  # not to be found before it is locked

    @contextmanager
    def grading(self) -> Iterator[Callable[[bool], None]]:
        """Count an attempt for as long as the block lasts; call what it gives with whether the sandbox failed."""
        ends: list[bool] = []
        self._add(begun=1)
        try:
            yield ends.append
        finally:
            self._add(left=1, ended=len(ends), failed=sum(ends))

    def ready(self, count: Mapping[str, int]) -> None:
        """Tell what stands ready, by language."""
        with self._lock:
            if count != self._ready:
                self._ready = dict(count)
                self._write()

    def watch(self, pool: Pool, language_of: Callable[[str], str]) -> None:
        """Tell of a pool every few seconds, in a thread that ends with the process."""

        def look() -> None:
            while not self._ends.wait(READY_S):
                self.ready(standing(pool.sizes_by_kind(), language_of))

        threading.Thread(target=look, name="tally", daemon=True).start()

    def close(self) -> None:
        """Say that nothing stands ready any more, and let go of the file: what was counted stays."""
        self._ends.set()
        self.ready({})
        os.close(self._file)

    def _add(self, **more: int) -> None:
        with self._lock:
            old = vars(self._counts)
            self._counts = Counts(**{name: old[name] + more.get(name, 0) for name in old})
            self._write()

    def _write(self) -> None:
        os.pwrite(self._file, self._layout.pack(self._counts, self._ready), 0)


def standing(sizes: Mapping[tuple[str, str], int], language_of: Callable[[str], str]) -> Counter[str]:
    """Count the jails that are ready, of what a pool has by what was started in them and state; series left out."""
    found: Counter[str] = Counter()
    for (started, state), count in sizes.items():
        if state == "ready" and started != "series":
            found[language_of(started)] += count
    return found


@contextmanager
def untallied() -> Iterator[Callable[[bool], None]]:
    """Count for nobody."""
    yield lambda _failed: None


@dataclass(frozen=True)
class Recent:
    """Of all processes, within the window."""

    executions: int = 0
    failures: int = 0
    """What the sandbox failed at, and attempts that were lost with their process."""
    ready: Counter[str] = field(default_factory=Counter)


class Tallies:
    """What all processes of this host told, as its main process reads it. Belongs to one thread."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._folder = folder
        self._layout = layout
        self._happened: deque[tuple[float, int, int]] = deque()
        folder.mkdir(parents=True, exist_ok=True)
        # What was counted for a worker before this one is old; what is lost with it is found out now.
        self._known = {path.name: self._read(path)[1][0] for path in self._paths()}

    def look(self) -> Recent:
        """Read all files, and remove those of processes that are gone."""
        now, ready = time.monotonic(), Counter[str]()
        for path in self._paths():
            gone, (counts, standing_here) = self._read(path)
            before = self._known.get(path.name, Counts())
            lost = counts.held if gone else 0
            self._happened.append((now, counts.ended - before.ended + lost, counts.failed - before.failed + lost))
            if gone:
                self._known.pop(path.name, None)
                path.unlink()
            else:
                self._known[path.name] = counts
                ready += standing_here
        while self._happened and self._happened[0][0] < now - WINDOW_S:
            self._happened.popleft()
        return Recent(sum(one[1] for one in self._happened), sum(one[2] for one in self._happened), ready)

    def _paths(self) -> list[Path]:
        return [path for path in self._folder.iterdir() if path.name.isdigit()]

    def _read(self, path: Path) -> tuple[bool, tuple[Counts, Counter[str]]]:
        with path.open("rb") as file:
            gone = False
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                gone = True
            return gone, self._layout.unpack(file.read())
