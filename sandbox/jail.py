"""One jail: standing empty, filled, run once, read out, gone.

with sandbox.jail(slot, limits, disk_bytes) as jail:         made for this, or taken from those that stand ready
    jail.box.write("main.py", source)                        files in
    result = jail.run(Command(("/usr/bin/python3", "main.py"), policy="python"), limits)
    jail.box.read("out.txt", 1 << 20)                        files out, the jail is dead by now
"""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.account import Observation, result_of
from sandbox.box import Box
from sandbox.cgroup import Hierarchy
from sandbox.command import BOX_PATH, Command
from sandbox.confinement import verify
from sandbox.counters import PerfCounters, bytes_moved
from sandbox.init import Launcher, Order
from sandbox.keeper import Ending, Handles, Keeper
from sandbox.limits import Limits
from sandbox.network import Link
from sandbox.result import RunAborted, RunResult, SandboxError
from sandbox.seccomp import Policies
from sandbox.slots import Slot
from sandbox.standing import Standing
from sandbox.streams import Streams, Taker
from sandbox.talk import Talk
from sandbox.telling import Listener


@dataclass(frozen=True)
class Parts:
    """What every jail of a process is made with."""

    nsjail: Path
    init: Path
    zygote: Path
    """What an interpreter loads to make jails of copies of itself."""
    common_config: str
    policies: Policies
    hierarchy: Hierarchy
    perf: bool
    abort: int | None = None
    """A descriptor that becomes readable when runs must end at once (an eventfd of the process)."""


@dataclass
class Ready:
    """A command that only waits to be let go, confined and looked at. The listener and the pipes are its to close."""

    streams: Streams
    listener: int
    let_go: Callable[[], object]
    """Called once, with everything counting."""
    executed: bool = False
    """Whether it is an interpreter that has been started already."""

    def close(self) -> None:
        """Close what the run had."""
        self.streams.close()
        os.close(self.listener)


def make_ready(
    parts: Parts, slot: Slot, standing: Standing, command: Command, limits: Limits, *, link: Link | None = None
) -> Ready:
    """Give init its order, and look at what it made of it. Raises SandboxError."""
    owner = slot.program_uid if slot.init_uid is not None else None
    with contextlib.ExitStack() as undo:
        streams = undo.enter_context(contextlib.closing(Streams.open(limits.output_bytes, owner)))
        listener = _listener(standing.order(_order(parts, slot, command, limits, link), streams.theirs))
        undo.callback(os.close, listener)
        streams.release()
        verify(standing.pid, slot, link)
        undo.pop_all()
    return Ready(streams, listener, lambda: start(standing, streams, command.stdin))


def start(standing: Standing, streams: Streams, stdin: bytes) -> None:
    streams.feed.give(stdin)
    standing.channel.say(b"g")


def _listener(descriptors: Sequence[int]) -> int:
    try:
        (listener,) = descriptors
    except ValueError as error:
        raise SandboxError("init passed no seccomp listener") from error
    return listener


def make_launcher(
    parts: Parts, slot: Slot, standing: Standing, command: Command, limits: Limits, *, stdio: Sequence[int]
) -> None:
    """Have init's child make jails within this one, for lines sent over its stdin. Raises SandboxError."""
    launcher = Launcher.OWN if command.interpreter is None else Launcher.INTERPRETER
    order = replace(_order(parts, slot, command, limits, None), launcher=launcher)
    standing.order(order, stdio)
    standing.channel.say(b"g")


def _order(parts: Parts, slot: Slot, command: Command, limits: Limits, link: Link | None) -> Order:
    policies, sampled = parts.policies, parts.hierarchy.version == "none"
    return Order(
        uid=slot.uid_inside,
        drop_groups=slot.init_uid is not None,
        limits=limits,
        backstop_cpu_s=limits.cpu_time_ms // 1000 + 10,
        processes_rlimit=limits.processes if sampled else None,
        seccomp_filter=policies.filter(policies.with_sockets(command.policy) if link else command.policy),
        cwd=BOX_PATH,
        argv=command.line,
        environment=command.environment,
    )


class Jail:
    """A standing jail with whoever wants one command run in it."""

    def __init__(
        self,
        parts: Parts,
        slot: Slot,
        standing: Standing,
        *,
        asked_at: float,
        link: Link | None = None,
        box_is_memory: bool = True,
    ) -> None:
        self.parts = parts
        self.slot = slot
        self.standing = standing
        self.link = link
        self.asked_at = asked_at
        self.box_is_memory = box_is_memory
        self.mode = "cold"
        self.ran = False
        self.shared_bytes = 0
        """Memory that the program shares with an interpreter it is a copy of, and is not charged for."""
        self.cancel: int | None = None
        self.listener: Listener | None = None
        self.talk: Talk | None = None
        self.seed: int | None = None
        self.clean = True
        """Whether its init has nothing left unsaid or unheard: the next jail hears on the same line."""

    @property
    def box(self) -> Box:
        """The program's working folder."""
        return self.standing.box

    def run(
        self,
        command: Command,
        limits: Limits,
        cancel: int | None = None,
        *,
        listener: Listener | None = None,
        taker: Taker | None = None,
        talk: Talk | None = None,
    ) -> RunResult:
        """Run one command to its end, or until the descriptor `cancel` becomes readable.

        A `listener` hears what it writes meanwhile; a `taker` is given its stdin, once all of `command.stdin` is in.
        With a `talk` it is the program's part in a conversation, which neither listener nor taker is there for.
        Raises SandboxError where it is not the program that failed, RunAborted.
        """
        if self.ran:
            raise SandboxError("a jail runs one command only")
        self.clean, self.ran, self.cancel, self.listener, self.talk = False, True, cancel, listener, talk
        self.standing.group.limit(replace(limits, memory_bytes=limits.memory_bytes - self.shared_bytes))
        if self.box_is_memory:
            self.standing.group.watch_files(self.box.used_bytes)
        self.seed = command.seed
        with contextlib.closing(self._ready(command, limits)) as ready:
            ready.streams.feed.taker = taker
            if talk is not None:
                talk.join(ready.streams, self.standing.program)
            return self._run(ready, limits)

    def _ready(self, command: Command, limits: Limits) -> Ready:
        return make_ready(self.parts, self.slot, self.standing, command, limits, link=self.link)

    def _run(self, ready: Ready, limits: Limits) -> RunResult:
        standing, group = self.standing, self.standing.group
        with self._counting(ready) as perf:

            def let_go() -> None:
                perf.start()
                ready.let_go()

            prepare_us = int((time.monotonic() - self.asked_at) * 1e6)
            ending = self._keeper(ready, limits).watch(let_go)
            moved = bytes_moved(standing.pid)
            self._refuse_what_says_nothing(ending)
            self._let_end(ending)
            self.clean = ending.report is not None
            counted = perf.read()
        stats = group.stats()
        if stats.host_was_short:
            raise SandboxError(
                "the kernel ended the program because the host, or what all jails share, had no memory left"
            )
        seen = Observation(
            ending=ending,
            stats=stats,
            source=group.source,
            perf=counted,
            moved=moved,
            network_bytes=self.link.bytes_moved() if self.link else None,
            disk_bytes=self.box.used_bytes(),
            stdout=ready.streams.stdout,
            stderr=ready.streams.stderr,
            prepare_us=prepare_us,
            mode=self.mode,
            hash_seed=self.seed,
            shared_bytes=self.shared_bytes,
        )
        return result_of(seen, limits)

    def _let_end(self, ending: Ending) -> None:
        """Wait until nothing can be counted any more. Raises SandboxError."""
        del ending
        self.standing.channel.say(b"b")
        self.standing.wait_gone()

    def _counting(self, ready: Ready) -> AbstractContextManager[PerfCounters]:
        pid = self.standing.pid if self.parts.perf else None
        return contextlib.closing(PerfCounters(pid, executed=ready.executed))

    def _refuse_what_says_nothing(self, ending: Ending) -> None:
        if ending.aborted:
            raise RunAborted("told to stop")
        if ending.report is None and not ending.stopped:
            raise SandboxError("init ended without a report")

    def _keeper(self, ready: Ready, limits: Limits) -> Keeper:
        return Keeper(
            self.standing.channel,
            Handles(self.standing.init, self.standing.program, ready.listener),
            ready.streams,
            group=self.standing.group,
            limits=limits,
            aborts=tuple(one for one in (self.parts.abort, self.cancel) if one is not None),
            learning=self.parts.policies.learning,
            listener=self.listener,
            talk=self.talk,
        )
