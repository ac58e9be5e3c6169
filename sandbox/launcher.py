"""A jail that makes jails, for the test cases of one submission.

Each is in namespaces, a control group and a uid of its own, within one that holds nothing but what makes them. That is
init's own code, or a started interpreter of which the programs are copies; neither runs, reads or holds anything of the
submission's. It never outlives the submission.
"""

import os
import socket
from dataclasses import dataclass

from sandbox import interpreter
from sandbox.command import Command
from sandbox.init import Channel, line_message
from sandbox.jail import Parts, make_launcher
from sandbox.kernel_files import read
from sandbox.limits import Limits
from sandbox.readable import readable
from sandbox.result import SandboxError
from sandbox.slots import Slot
from sandbox.standing import Standing

READY_PATIENCE_S = 10.0


@dataclass
class Launcher:
    """The line to what makes jails within a jail that stands."""

    control: socket.socket
    output: int
    """What an interpreter says: that it has come up."""
    shared_bytes: int = 0
    """Memory of the interpreter, which its copies share."""
    seed: int | None = None

    @classmethod
    def start(cls, parts: Parts, slot: Slot, standing: Standing, command: Command, limits: Limits) -> "Launcher":
        """Turn the child of a jail that stands into a launcher. Raises SandboxError."""
        ours, theirs = socket.socketpair()
        reader, writer = os.pipe()
        try:
            with theirs, open(os.devnull, "wb") as null:  # noqa: PTH123 - a device
                stdio = (theirs.fileno(), writer, null.fileno())
                make_launcher(parts, slot, standing, command, limits, stdio=stdio)
        except BaseException:
            ours.close()
            os.close(reader)
            raise
        finally:
            os.close(writer)
        launcher = cls(ours, reader, seed=command.seed)
        if command.interpreter is not None:
            launcher.wait_ready()
            try:
                launcher.shared_bytes = _anonymous_bytes(standing.pid)
            except BaseException:
                launcher.close()
                raise
        return launcher

    def wait_ready(self) -> None:
        """Wait until the interpreter has come up. Hangs up and raises SandboxError where it does not."""
        if not readable([self.output], READY_PATIENCE_S) or os.read(self.output, 1) != interpreter.READY:
            self.close()
            raise SandboxError("the interpreter that makes jails did not come up")

    def ask(self, uid: int, box: tuple[int, int], scratch: tuple[int, int]) -> Channel:
        """Ask for a jail; gives the line to its init. Raises SandboxError where nobody is there any more."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self.control, [line_message(uid, box=box, scratch=scratch)], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise SandboxError(f"what makes jails is gone: {error}") from error
        return Channel(ours)

    def close(self) -> None:
        """Hang up; it ends, and all its jails with it."""
        self.control.close()
        os.close(self.output)


def _anonymous_bytes(pid: int) -> int:
    for line in read(f"/proc/{pid}/status").splitlines():
        name, _, value = line.partition(":")
        if name == "RssAnon":
            return int(value.split()[0]) * 1024
    raise SandboxError("the kernel does not tell the memory of the interpreter that makes jails")
