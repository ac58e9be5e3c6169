"""The process that holds many jails at once: `python -m benchmarks.standing_host FOLDER`.

Asked for a number, it makes jails until so many stand, and answers with the milliseconds that each new one took. A jail
stands when its init waits and its box is there; no program is in it yet. All end with this process.
"""

import resource
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.child import serve
from benchmarks.host import own_sandbox
from sandbox import Limits
from sandbox.limits import MIB

LIMITS = Limits(10_000, 21_000, 4 * MIB, MIB, 64 * MIB, 64)
"""So little memory that thousands of them fit into what one slot holds; none of it is used."""
DISK_BYTES = 64 * MIB


def main(folder: str) -> None:
    """Serve."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # four descriptors a jail
    with own_sandbox(Path(folder)) as sandbox, sandbox.slot() as slot, ExitStack() as stack:
        standing = 0

        def answer(word: str) -> object:
            nonlocal standing
            took_ms = []
            for _ in range(standing, int(word)):
                began = time.perf_counter()
                stack.enter_context(sandbox.jail(slot, LIMITS, DISK_BYTES))
                took_ms.append(1000 * (time.perf_counter() - began))
            standing = max(standing, int(word))
            return took_ms

        serve(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
