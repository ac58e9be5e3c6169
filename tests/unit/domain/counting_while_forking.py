"""Counts in a thread and forks meanwhile; ends once every child has counted as well. Its argument is the folder.

A program of its own, because coverage has a lock too, which a thread may hold when the process that is measured forks.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from domain import counted, counting

FORKS = 50
PATIENCE_S = 60


def main() -> None:
    """Do it."""
    counting.begin(Path(sys.argv[1]))
    ends = threading.Event()

    def count() -> None:
        while not ends.is_set():
            counted.SWEPT.add()

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    for _ in range(FORKS):
        pid = os.fork()
        if pid == 0:
            signal.alarm(PATIENCE_S)  # what hangs would outlive this program
            counted.SWEPT.add()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert status == 0
    ends.set()
    thread.join()


if __name__ == "__main__":
    main()
