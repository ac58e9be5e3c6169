"""What a program writes, told while it runs.

The keeper decides verdicts by a clock of milliseconds, so whoever listens takes what it is given and returns at once.
"""

import math
from collections.abc import Callable

from sandbox.streams import Streams

Listener = Callable[[str, int, bytes], bool]
"""Given the name of a stream (`stdout`, `stderr`), an offset and the bytes from there on, in order and without gaps.

Says whether it wants more of that stream. What is written in a run's last moments, or by one that is over before
`QUIET_S`, is in its result alone.
"""

QUIET_S = 0.1
"""Nothing is told before: most runs are over by then, and cost nothing for being listened to."""


class Telling:
    """Tells a listener of two streams; used by one keeper."""

    def __init__(self, listener: Listener, streams: Streams) -> None:
        self._listener = listener
        self._streams = {"stdout": streams.stdout, "stderr": streams.stderr}

    def patience_s(self, lasted_s: float) -> float:
        """Say how long a run that has lasted this long may be left alone."""
        untold = any(stream.untold for stream in self._streams.values())
        return QUIET_S - lasted_s if untold else math.inf

    def tell(self, lasted_s: float) -> None:
        """Tell what is new, if the run has lasted for long enough."""
        if lasted_s < QUIET_S:
            return
        for name, stream in list(self._streams.items()):
            if stream.untold and not self._listener(name, *stream.news()):
                del self._streams[name]
