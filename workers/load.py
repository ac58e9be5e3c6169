"""How this host is at the moment, for its heartbeat."""

from collections.abc import Callable
from pathlib import Path

import psutil

from domain.host import HostLoad
from domain.language import Language
from workers.tally import PLAIN, Tallies


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


def language_names(languages: list[Language]) -> Callable[[str], str]:
    """Give what names the language of a jail that stands ready, by what was started in it."""
    known = {"nothing": PLAIN}
    for language in languages:
        started = language.run.interpreter or language.run.argv[0].rpartition("/")[2]
        known.setdefault(started, language.name)
    return lambda started: known.get(started, started)
