"""Jails made ahead: one nsjail that makes the next jail as soon as the last has ended, and what it has standing.

Nothing of a program is in them but, where the kind names one, its interpreter or runtime: started under the program's
own confinement, and waiting on its input for what to run, or held when it opens that. A jail is used once; its
processes and its control group are gone before the next one is handed out.
"""

import contextlib
import os
import resource
import secrets
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from sandbox import interpreter, tmpfs
from sandbox.cold import Space, room_of
from sandbox.command import Command, inodes_for, room_config
from sandbox.counters import PerfCounters
from sandbox.gate import Gate, GatedBox
from sandbox.init import Channel, rlimits
from sandbox.jail import Jail, Parts, Ready, make_ready
from sandbox.keeper import Ending
from sandbox.kind import ROOMY, Kind
from sandbox.launcher import Launcher
from sandbox.limits import MIB, Limits
from sandbox.nsjail import Nsjail
from sandbox.readable import readable
from sandbox.result import SandboxError
from sandbox.slots import Slot
from sandbox.standing import Standing

DISK_BYTES = 512 * MIB
"""Of a box that stands ready, until it is known what it may hold."""
SCRATCH = ("tmp", "dev/shm")
START_PATIENCE_S = 10.0


@dataclass
class Warm:
    """One jail that stands ready."""

    slot: Slot
    """With the uid that the program in it will have."""
    standing: Standing
    scratch: tuple[int, ...] = ()
    """Descriptors of its other file systems."""
    started: Ready | None = None
    """What has been started in it, waiting."""
    gate: Gate | None = None
    """What holds it, where it has no hook to wait in."""
    seed: int | None = None
    launcher: Launcher | None = None
    """What makes jails within it, where it is for that."""
    shared_bytes: int = 0
    perf: PerfCounters | None = None
    """Opened and closed while nobody waits for it."""
    own_channel: bool = False
    """Whether the line to its init is its own, and goes with it."""

    @property
    def alive(self) -> bool:
        """Whether its init is there, for who kills nsjail ends what it made, and what has been started in it."""
        return not readable([self.standing.init, self.standing.program], 0)

    @classmethod
    def receive(cls, parts: Parts, channel: Channel, slot: Slot) -> "Warm":
        """Wait for the next jail of a channel. Raises SandboxError."""
        standing = Standing.receive(channel, parts.hierarchy, slot)
        warm = cls(slot, standing)
        try:
            standing.let_in()
            warm.scratch = _scratch(standing.pid)
        except BaseException:
            warm.end()
            raise
        return warm

    def count(self, parts: Parts, kind: "Kind") -> None:
        """Open what counts the program, which is executed by then where the kind has an interpreter."""
        if parts.perf and self.perf is None:
            self.perf = PerfCounters(self.standing.pid, executed=kind.interpreter is not None)

    def end(self) -> None:
        """End it, and let go of everything; init first, or it would report on a line that the next jail uses too."""
        with contextlib.ExitStack() as parts:
            parts.callback(self.standing.box.close)
            if self.own_channel:
                parts.callback(self.standing.channel.close)
            for descriptor in self.scratch:
                parts.callback(os.close, descriptor)
            if self.started is not None:
                parts.callback(self.started.close)
            if self.gate is not None:
                parts.callback(self.gate.close)
            if self.launcher is not None:
                parts.callback(self.launcher.close)
            if self.perf is not None:
                parts.callback(self.perf.close)
            self.scratch, self.started, self.gate, self.launcher, self.perf = (), None, None, None, None
            self.standing.end()


class Maker(Protocol):
    """What makes one jail after the other, of one kind and for one slot."""

    parts: Parts

    @property
    def alive(self) -> bool:
        """Whether it still makes jails."""

    def next(self) -> Warm:
        """Wait for the next jail. Raises SandboxError: this one is no good any more."""

    def close(self) -> None:
        """End it, and what it has made."""


class Rerun:
    """An nsjail that makes one jail after the other, of one kind and for one slot. Belongs to one thread at a time."""

    def __init__(self, parts: Parts, configs: Path, slot: Slot, kind: Kind) -> None:
        """Start it. Raises SandboxError. It ends with the thread that made it."""
        self.parts = parts
        self.configs = configs
        self.slot = slot
        self.kind = kind
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours)
        with theirs, contextlib.ExitStack() as undo:
            undo.callback(self.channel.close)
            space = Space(DISK_BYTES, mounts=kind.mounts)
            config = parts.common_config + room_config(room_of(slot, ROOMY, space))
            self.process = Nsjail(parts.nsjail, parts.init, config, theirs, rerun=True)
            undo.callback(self.process.close)
            parts.hierarchy.keep(slot.name, self.process.process.pid)
            undo.pop_all()

    @property
    def alive(self) -> bool:
        """Whether it still makes jails."""
        return self.process.process.poll() is None

    def next(self) -> Warm:
        """Wait for the next jail, and start what its kind names. Raises SandboxError: this one is no good any more."""
        self.process.read_log()
        try:
            warm = Warm.receive(self.parts, self.channel, self.slot)
        except SandboxError as error:
            raise SandboxError(f"nsjail made no jail: {self.process.complaints()} ({error})") from error
        try:
            with self._hook(warm):
                if self.kind.launcher:
                    self._launch(warm)
                elif self.kind.interpreter is not None:
                    self._start(warm)
                elif self.kind.held_at is not None:
                    self._hold(warm, self.kind.held_at)
            if not self.kind.launcher:
                warm.count(self.parts, self.kind)
        except BaseException:
            warm.end()
            raise
        return warm

    @contextlib.contextmanager
    def _hook(self, warm: Warm) -> Iterator[None]:
        """Have the interpreter find its hook while it starts, and nobody after it: no program has been in the box."""
        command = self.kind.command
        if command.interpreter is None:
            yield
            return
        warm.seed = 1 + secrets.randbelow(2**32 - 1)  # 0 would switch randomisation off
        path = interpreter.hook_path(command.interpreter, command.argv[0])
        box = warm.standing.box
        box.write(path, interpreter.hook(self.configs, command.interpreter))
        zygote = f"{path.rpartition('/')[0]}/zygote"
        if self.kind.launcher:
            box.write(zygote, self.parts.zygote.read_bytes(), 0o755)
        yield
        if self.kind.launcher:
            box.unlink(zygote)
        box.remove(path)

    def _launch(self, warm: Warm) -> None:
        command = replace(self.kind.command, seed=warm.seed)
        warm.launcher = Launcher.start(self.parts, self.slot, warm.standing, command, ROOMY)

    def _start(self, warm: Warm) -> None:
        command = replace(self.kind.command, seed=warm.seed)
        ready = make_ready(self.parts, self.slot, warm.standing, command, ROOMY)
        warm.started = ready
        warm.standing.channel.say(b"g")
        output = ready.streams.stdout.descriptor
        if not readable([output], START_PATIENCE_S) or os.read(output, 1) != interpreter.READY:
            raise SandboxError(f"the interpreter {command.argv} did not come up")

    def _hold(self, warm: Warm, path: str) -> None:
        """Start a runtime as it is started in a jail made for it, and wait until it opens its program."""
        standing, limits = warm.standing, self.kind.limits
        standing.group.limit(limits)
        warm.gate = Gate(standing.box, path)
        standing.box = GatedBox(standing.box, warm.gate)
        warm.started = make_ready(self.parts, self.slot, standing, self.kind.command, limits)
        warm.count(self.parts, self.kind)
        standing.channel.say(b"g")
        ends = (standing.init, standing.program, warm.started.listener)
        warm.gate.wait(standing.pid, ends, START_PATIENCE_S)

    def close(self) -> None:
        """End it, and what it has made."""
        self.process.close()
        self.channel.close()


class WarmJail(Jail):
    """A jail that stood ready."""

    def __init__(self, parts: Parts, kind: Kind, warm: Warm, disk_bytes: int, *, asked_at: float) -> None:
        super().__init__(parts, warm.slot, warm.standing, asked_at=asked_at)
        self.kind = kind
        self.warm = warm
        self.disk_bytes = disk_bytes
        self.mode = "inner" if kind.series else "warm"
        self.shared_bytes = warm.shared_bytes

    def _counting(self, ready: Ready) -> AbstractContextManager[PerfCounters]:
        return super()._counting(ready) if self.warm.perf is None else contextlib.nullcontext(self.warm.perf)

    def _ready(self, command: Command, limits: Limits) -> Ready:
        """Hold it to what this run may spend; then it is as if it had been made for it."""
        tmpfs.resize(self.box.folder, self.disk_bytes, inodes_for(self.disk_bytes))
        for folder in self.warm.scratch:
            tmpfs.resize(folder, limits.memory_bytes, inodes_for(limits.memory_bytes))
        if self.warm.gate is not None:
            return self._let_in(self.warm.gate, command, limits)
        if self.kind.interpreter is None:
            return super()._ready(command, limits)
        given = interpreter.order(command.arguments) + command.stdin
        if self.kind.series:
            self.seed = self.warm.seed
            return replace(super()._ready(replace(command, stdin=given), limits), executed=True)
        ready = self._started(limits)
        self.seed = self.warm.seed
        return replace(ready, let_go=lambda: ready.streams.feed.give(given), executed=True)

    def _let_in(self, gate: Gate, command: Command, limits: Limits) -> Ready:
        if not gate.filled:
            raise SandboxError(f"nothing was written to {gate.path}, which the program is held at")
        ready = self._started(limits)

        def let_go() -> None:
            ready.streams.feed.give(command.stdin)
            gate.open()

        return replace(ready, let_go=let_go)

    def _started(self, limits: Limits) -> Ready:
        """Take what has been started, held to the limits of this run."""
        ready, pid = self.warm.started, self.standing.pid
        if ready is None:
            raise SandboxError("a jail without what was started in it")
        for kind, value in rlimits(limits, backstop_cpu_s=limits.cpu_time_ms // 1000 + 10):
            lowest = min(value, resource.prlimit(pid, kind)[1] % (1 << 64))
            resource.prlimit(pid, kind, (lowest, lowest))
        ready.streams.keep(limits.output_bytes)
        self.warm.started = None  # whoever runs it closes it from here on
        return ready

    def _let_end(self, ending: Ending) -> None:
        """See Jail. For the end of init, which takes the kernel a while, nobody needs to wait but the pool."""
        if ending.report is None or not self.standing.group.settled():
            super()._let_end(ending)


def _scratch(pid: int) -> tuple[int, ...]:
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    return tuple(os.open(f"/proc/{pid}/root/{name}", flags) for name in SCRATCH)
