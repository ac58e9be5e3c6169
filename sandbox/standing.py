"""A jail that stands: made and empty, its init and the program-to-be waiting for an order.

What it takes to come this far is the dear part of a jail, and needs to know nothing of the program: it can be done
before anybody asks.
"""

import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from sandbox.box import Box
from sandbox.cgroup import Group, Hierarchy
from sandbox.init import Channel, Kind, Order, host_pid, signal_process
from sandbox.readable import readable
from sandbox.result import SandboxError
from sandbox.slots import Slot

STAND_PATIENCE_S = 30.0
"""How long a jail may take to stand; only a host in trouble takes more than a few milliseconds."""
END_PATIENCE_S = 10.0
ORDER_PATIENCE_S = 30.0
"""How long a child may take to stand ready; only a host in trouble takes more than a millisecond."""


@dataclass
class Standing:
    """One jail, from the moment that it stands. Descriptors and control group are this object's to close."""

    channel: Channel
    init: int
    """A pidfd."""
    program: int
    """A pidfd of the child that becomes the program."""
    pid: int
    """Of that child, among ours; it stays its own for as long as the pidfd is open and the child not reaped."""
    box: Box
    group: Group
    entrances: list[int] | None = None
    """What the child goes into its group by, with its order; none where it has been put in. None: see `let_in`."""

    @classmethod
    def receive(cls, channel: Channel, hierarchy: Hierarchy, slot: Slot) -> Self:
        """Wait for the next jail of a channel, and make its program-to-be a control group. Raises SandboxError."""
        report = channel.expect(Kind.STANDING, STAND_PATIENCE_S)
        with contextlib.ExitStack() as undo:
            for descriptor in report.descriptors:
                undo.callback(os.close, descriptor)
            if len(report.descriptors) != 3:
                raise SandboxError(f"init passed {len(report.descriptors)} descriptors where 3 were due")
            init, program, folder = report.descriptors
            pid = host_pid(program)
            group = hierarchy.create(slot.name)
            undo.callback(group.remove)
            os.sched_setaffinity(pid, slot.cpus)
            undo.pop_all()
        owner = slot.program_uid if slot.init_uid is not None else None
        return cls(channel, init, program, pid, Box(folder, owner), group)

    def let_in(self) -> list[int]:
        """Do, once, what lets the child into its group (see Group): its order does, or who has the time before."""
        if self.entrances is None:
            self.entrances = self.group.let_in(self.pid)
        return self.entrances

    def order(self, order: Order, stdio: Sequence[int]) -> tuple[int, ...]:
        """Have the child go into its group and become what is ordered, up to its start. Gives what came with that.

        Raises SandboxError where it does not, or is not where it is counted and limited.
        """
        try:
            self.channel.order(order, (*stdio, *self.let_in()), ORDER_PATIENCE_S)
        finally:
            self._close_entrances()
        ready = self.channel.expect(Kind.READY, ORDER_PATIENCE_S)
        try:
            self._see_it_in()
        except BaseException:
            ready.close()
            raise
        return ready.descriptors

    def _see_it_in(self) -> None:
        if not self.group.holds(self.pid):
            raise SandboxError("the program is not in the control group that it must be in")

    def _close_entrances(self) -> None:
        for descriptor in self.entrances or ():
            os.close(descriptor)
        self.entrances = []

    def wait_gone(self) -> None:
        """Wait until init, and with it every process inside, is gone. Raises SandboxError when that fails."""
        if not readable([self.init], END_PATIENCE_S):
            raise SandboxError(f"a jail did not end within {END_PATIENCE_S} s")

    def end(self) -> None:
        """End the jail whatever it does, and remove its control group; its box can still be read."""
        signal_process(self.init, signal.SIGKILL)
        try:
            self.wait_gone()
        finally:
            os.close(self.init)
            os.close(self.program)
            self._close_entrances()
            self.group.remove()
