"""A worker that runs nothing, to see what everything else costs: `python -m benchmarks.noop_worker`.

It is the platform's own worker but for the sandbox that it grades with: claims, leases, rows, events and telemetry are
as ever, only no jail is made.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from domain.line import Lines
from sandbox import Command, Limits, Mount, Network, Slot
from sandbox.fake import FakeJail, FakeSandbox
from workers import main as workers_main
from workers.grade import Grader


class Nothing(FakeSandbox):
    """Every program exits 0 at once and prints nothing; nothing is remembered, since a benchmark runs long."""

    @contextmanager
    def jail(
        self,
        slot: Slot,
        limits: Limits,
        disk_bytes: int,
        mounts: Sequence[Mount] = (),
        *,
        on_disk: bool = False,
        network: Network | None = None,
        command: Command | None = None,
    ) -> Iterator[FakeJail]:
        """Make a jail that is none."""
        with super().jail(slot, limits, disk_bytes, mounts, on_disk=on_disk, network=network, command=command) as jail:
            yield jail
        self.jails.clear()


@dataclass
class NoopWorker(workers_main.Worker):
    """The worker whose graders have no sandbox."""

    def grader(self, process: int, lines: Lines) -> Grader:
        """Make what one child of the pool grades with."""
        return replace(super().grader(process, lines), sandbox=Nothing())


def prepare() -> workers_main.Worker:
    """Look at the host as ever, so that it reports what a real worker would."""
    return NoopWorker(**vars(_prepare()))


_prepare = workers_main.prepare

if __name__ == "__main__":
    workers_main.prepare = prepare
    sys.exit(workers_main.run(sys.argv[1:]))
