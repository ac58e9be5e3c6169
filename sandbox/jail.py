"""One jail: made empty, filled, run once, read out, gone.

with Jail.open(parts, slot, limits, disk_bytes) as jail:     nsjail stands, init waits
    jail.box.write("main.py", source)                        files in
    result = jail.run(Command(("/usr/bin/python3", "main.py"), policy="python"), limits)
    jail.box.read("out.txt", 1 << 20)                        files out, the jail is dead by now
"""

import contextlib
import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.account import Observation, result_of
from sandbox.box import Box
from sandbox.cgroup import Group, Hierarchy
from sandbox.command import BOX_PATH, PROGRAM_UID, Command, Mount, Room, inodes_for, room_config
from sandbox.confinement import verify
from sandbox.counters import PerfCounters, bytes_moved
from sandbox.init import Channel, Kind, Order, host_pid, signal_process
from sandbox.keeper import Ending, Handles, Keeper
from sandbox.limits import Limits
from sandbox.network import Link
from sandbox.nsjail import Nsjail
from sandbox.result import RunAborted, RunResult, SandboxError
from sandbox.seccomp import Policies
from sandbox.slots import Slot
from sandbox.streams import Streams

PATIENCE_S = 30.0
"""How long a jail may take to stand; only a host in trouble takes more than a few milliseconds."""


@dataclass(frozen=True)
class Parts:
    """What every jail of a process is made with."""

    nsjail: Path
    init: Path
    common_config: str
    policies: Policies
    hierarchy: Hierarchy
    perf: bool
    abort: int | None = None
    """A descriptor that becomes readable when runs must end at once (an eventfd of the process)."""


@dataclass(frozen=True)
class Space:
    """What a jail shows: the size of its box, an image that is its box, folders of the host, a network."""

    disk_bytes: int
    image: Path | None = None
    mounts: tuple[Mount, ...] = ()
    link: Link | None = None


class Jail:
    """One nsjail with our init standing in it; used for one run."""

    def __init__(self, parts: Parts, slot: Slot, limits: Limits, space: Space, asked_at: float | None = None) -> None:
        self.parts = parts
        self.slot = slot
        self.link = space.link
        self.asked_at = time.monotonic() if asked_at is None else asked_at
        ours, theirs = socket.socketpair()
        room = Room(
            init_uid=slot.init_uid,
            program_uid=slot.program_uid,
            disk_bytes=space.disk_bytes,
            inodes=inodes_for(space.disk_bytes),
            tmp_bytes=limits.memory_bytes,
            image=space.image,
            mounts=space.mounts,
            link=space.link,
        )
        self.channel = Channel(ours)
        with theirs:
            config = parts.common_config + room_config(room)
            namespace = self.link.namespace if self.link else None
            try:
                self.process = Nsjail(parts.nsjail, parts.init, config, theirs, namespace)
            except BaseException:
                self.channel.close()
                raise
        try:
            standing = self._standing()
        except BaseException:
            self.channel.close()
            self.process.close()
            raise
        self.init_pidfd, folder = standing
        self.box = Box(folder, slot.program_uid if slot.init_uid is not None else None)
        self.box_is_memory = space.image is None

    def _standing(self) -> tuple[int, int]:
        try:
            pidfd, folder = self.channel.expect(Kind.STANDING, PATIENCE_S).descriptors
        except (SandboxError, ValueError) as error:
            self.process.process.kill()
            self.process.process.wait()
            raise SandboxError(f"nsjail made no jail: {self.process.complaints()} ({error})") from error
        return pidfd, folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the jail whatever it does, and let its file system go."""
        self.channel.close()
        signal_process(self.init_pidfd, signal.SIGKILL)
        os.close(self.init_pidfd)
        self.process.close()
        self.box.close()

    def run(self, command: Command, limits: Limits) -> RunResult:
        """Run one command to its end. Raises SandboxError where it is not the program that failed."""
        group = self.parts.hierarchy.create(self.slot.name, limits)
        if self.box_is_memory:
            group.watch_files(self.box.used_bytes)
        owner = self.slot.program_uid if self.slot.init_uid is not None else None
        try:
            streams = Streams.open(command.stdin, limits.output_bytes, owner)
            with contextlib.closing(streams):
                return self._run(command, limits, group, streams)
        finally:
            if self.process.process.poll() is None:
                signal_process(self.init_pidfd, signal.SIGKILL)
                self.process.wait()
            group.remove()

    def _run(self, command: Command, limits: Limits, group: Group, streams: Streams) -> RunResult:
        self.channel.order(self._order(command, limits), streams.theirs, PATIENCE_S)
        streams.release()
        program, listener = self._ready()
        with contextlib.closing(Handles(os.dup(self.init_pidfd), program, listener)) as handles:
            pid = host_pid(program)
            verify(pid, self.slot, self.link)
            os.sched_setaffinity(pid, self.slot.cpus)
            group.add(pid)
            with contextlib.closing(PerfCounters(pid if self.parts.perf else None)) as perf:
                prepare_us = int((time.monotonic() - self.asked_at) * 1e6)
                ending = self._keeper(handles, streams, group, limits).watch()
                moved = bytes_moved(pid)
                self.channel.say(b"b")
                self.process.wait()
                counted = perf.read()
        self._refuse_what_says_nothing(ending)
        seen = Observation(
            ending=ending,
            stats=group.stats(),
            source=group.source,
            perf=counted,
            moved=moved,
            network_bytes=self.link.bytes_moved() if self.link else None,
            disk_bytes=self.box.used_bytes(),
            stdout=streams.stdout,
            stderr=streams.stderr,
            prepare_us=prepare_us,
        )
        return result_of(seen, limits)

    def _refuse_what_says_nothing(self, ending: Ending) -> None:
        if ending.aborted:
            raise RunAborted("told to stop")
        if ending.report is None and not ending.stopped:
            raise SandboxError(f"init ended without a report: {self.process.complaints()}")

    def _keeper(self, handles: Handles, streams: Streams, group: Group, limits: Limits) -> Keeper:
        return Keeper(
            self.channel,
            handles,
            streams,
            group=group,
            limits=limits,
            abort=self.parts.abort,
            learning=self.parts.policies.learning,
        )

    def _ready(self) -> tuple[int, int]:
        try:
            program, listener = self.channel.expect(Kind.READY, PATIENCE_S).descriptors
        except ValueError as error:
            raise SandboxError("init passed no descriptors of the program") from error
        return program, listener

    def _order(self, command: Command, limits: Limits) -> Order:
        sampled = self.parts.hierarchy.version == "none"
        return Order(
            uid=PROGRAM_UID,
            drop_groups=self.slot.init_uid is not None,
            limits=limits,
            backstop_cpu_s=limits.cpu_time_ms // 1000 + 10,
            processes_rlimit=limits.processes if sampled else None,
            seccomp_filter=self.parts.policies.filter(self._policy(command)),
            cwd=BOX_PATH,
            argv=command.argv,
            environment=command.environment,
        )

    def _policy(self, command: Command) -> str:
        policies = self.parts.policies
        return policies.with_sockets(command.policy) if self.link else command.policy
