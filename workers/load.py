"""How this host is at the moment, for its heartbeat."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from domain.host import HostLoad
from domain.language import Language
from sandbox import Pool
from workers.tally import PLAIN, Layout, Tallies, Tally


class LoadMeter:
    """Measures. Belongs to one thread: some numbers are of the time since it was asked before."""

    def __init__(self, state_dir: Path, tallies: Tallies, busy: Callable[[], int]) -> None:
        self._state_dir = state_dir
        self._tallies = tallies
        self._busy = busy
        psutil.cpu_percent()  # what is asked for first is of no time at all

    def measure(self) -> HostLoad:
        """Look at everything; it waits for nothing. Raises OSError."""
        recent = self._tallies.look()
        return HostLoad(
            slots_busy=self._busy(),
            load_1m=round(psutil.getloadavg()[0], 2),
            cpu_percent=psutil.cpu_percent(),
            memory_available_bytes=psutil.virtual_memory().available,
            disk_free_bytes=psutil.disk_usage(str(self._state_dir)).free,
            ready=dict(recent.ready),
            executions=recent.executions,
            failures=recent.failures,
        )


@dataclass(frozen=True)
class Counted:
    """Both ends of what the processes of a worker tell its main process."""

    state_dir: Path
    host: str
    languages: Sequence[Language]

    @property
    def _folder(self) -> Path:
        return self.state_dir / f"tallies-{self.host}"

    @property
    def _layout(self) -> Layout:
        return Layout([language.name for language in self.languages])

    def tally(self, pool: Pool | None) -> Tally:
        """Begin to count in a process of the pool."""
        made = Tally(self._folder, self._layout)
        if pool is not None:
            made.watch(pool, language_names(self.languages))
        return made

    def meter(self, busy: Callable[[], int]) -> LoadMeter:
        """Make what measures in the main process; `busy` counts the slots that somebody holds."""
        return LoadMeter(self.state_dir, Tallies(self._folder, self._layout), busy)


def language_names(languages: Sequence[Language]) -> Callable[[str], str]:
    """Give what names the language of a jail that stands ready, by what was started in it."""
    known = {"nothing": PLAIN}
    for language in languages:
        started = language.run.interpreter or language.run.argv[0].rpartition("/")[2]
        known.setdefault(started, language.name)
    return lambda started: known.get(started, started)
