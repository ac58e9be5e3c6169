"""The keeper: watches one run from outside, to the millisecond, and ends it when a limit is passed.

It waits for whatever comes first: output, room for input, a forbidden call, init's report, the wall limit, or the
moment at which the CPU limit could be reached at the earliest, which is when the CPU clock is looked at again.
"""

import contextlib
import fcntl
import math
import os
import select
import signal
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sandbox import seccomp
from sandbox.cgroup import Group
from sandbox.init import Channel, Kind, Report, signal_process
from sandbox.limits import Limits
from sandbox.streams import Streams
from sandbox.talk import Clock, Talk, WallClock
from sandbox.telling import Listener, Telling

KILL_PATIENCE_S = 0.5
"""How long init may take to report a program that was killed, before init is killed itself."""
LEAST_WAIT_S = 0.001
LOCK_CALLS = 100_000
"""How often one run may lock or unlock a part of a file; each time may leave some 200 bytes in the kernel."""

# struct seccomp_notif: id, pid, flags, then struct seccomp_data: nr, arch, instruction pointer, 6 arguments
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_NOTIFICATION_RECEIVE = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV = _IOWR('!', 0, struct seccomp_notif)
# struct seccomp_notif_resp: id, value, error, flags
_RESPONSE = struct.Struct("=QqiI")
_RESPONSE_SEND = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND = _IOWR('!', 1, struct seccomp_notif_resp)
_CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE


@dataclass
class Handles:
    """The descriptors by which a run is watched and ended: pidfds of init and the program, the seccomp listener."""

    init: int
    program: int
    listener: int


@dataclass
class Ending:
    """What the keeper saw. `report` is None where init itself had to be killed, or was."""

    report: Report | None
    wall_time_us: int
    stopped: bool
    """Whether the keeper ended it."""
    denied_syscalls: list[str] = field(default_factory=list)
    aborted: bool = False
    """Whether it was ended because the process was told to stop, or nobody wants its result any more."""


class Keeper:
    """Watches one run; made when the program stands ready and used once."""

    def __init__(
        self,
        channel: Channel,
        handles: Handles,
        streams: Streams,
        *,
        group: Group,
        limits: Limits,
        aborts: Sequence[int],
        learning: bool = False,
        listener: Listener | None = None,
        talk: Talk | None = None,
    ) -> None:
        self.learning = learning
        self.talk = talk
        self.clock: Clock = WallClock() if talk is None else talk.clock
        self.telling = None if listener is None else Telling(listener, streams)
        self.channel = channel
        self.aborts = aborts
        self.aborted = False
        self.handles = handles
        self.streams = streams
        self.group = group
        self.limits = limits
        self.cpus = -(-limits.cpu_millicores // 1000)
        self.denied: list[str] = []
        self.lock_calls = 0
        self.report: Report | None = None
        self.hung_up = False
        self.killed_at: float | None = None
        self.own_s_when_killed = 0.0
        self.started = 0.0

    def watch(self, let_go: Callable[[], object]) -> Ending:
        """Let the program go and stay with it until it has ended."""
        poll = self._register()
        self.group.start()
        self.started = time.monotonic()
        let_go()
        if self.streams.feed.fileno() >= 0:
            poll.register(self.streams.feed, select.EPOLLOUT)
        while self.report is None and not self.hung_up:
            for descriptor, event in poll.poll(self._patience()):
                self._handle(poll, descriptor, event)
            self._enforce()
            if self.telling is not None and self.report is None:
                self.telling.tell(time.monotonic() - self.started)
        wall = self._own_s()
        if self.talk is not None and self.killed_at is None:
            wall = min(wall, self.limits.wall_time_ms / 1000)  # who waited for whom can be asked of the living alone
        self.streams.stdout.drain()
        self.streams.stderr.drain()
        stopped = self.killed_at is not None
        return Ending(self.report, math.ceil(wall * 1e6), stopped, self.denied, self.aborted)

    def _register(self) -> select.epoll:
        poll = select.epoll()
        poll.register(self.channel, select.EPOLLIN)
        # Where jails are made one after the other, the socket stays open when an init is gone.
        poll.register(self.handles.init, select.EPOLLIN)
        poll.register(self.handles.listener, select.EPOLLIN)
        if self.talk is None:
            poll.register(self.streams.stdout, select.EPOLLIN)
        else:
            poll.register(self.talk.nudge, select.EPOLLIN)
        poll.register(self.streams.stderr, select.EPOLLIN)
        for abort in self.aborts:
            poll.register(abort, select.EPOLLIN)
        return poll

    def _patience(self) -> float:
        """How long nothing can happen that only a look at a clock would tell; seconds."""
        now = time.monotonic()
        if self.killed_at is not None:
            return max(LEAST_WAIT_S, self.killed_at + KILL_PATIENCE_S - now)
        wall = self.limits.wall_time_ms / 1000 - self._own_s()
        cpu = (self.limits.cpu_time_ms * 1000 - self.group.cpu_us()) / 1e6 / self.cpus
        untold = self.telling.patience_s(now - self.started) if self.telling is not None else wall
        return max(LEAST_WAIT_S, min(wall, cpu, self.group.tick_s or wall, untold, self.clock.patience_s()))

    def _own_s(self) -> float:
        """How long it has run, as far as that is its own time. Of who was killed no clock is asked."""
        if self.killed_at is not None:
            return self.own_s_when_killed + time.monotonic() - self.killed_at
        return self.clock.own_s(time.monotonic() - self.started)

    def _handle(self, poll: select.epoll, descriptor: int, event: int) -> None:
        if descriptor == self.channel.fileno():
            self._hear()
        elif descriptor == self.handles.init:
            self.hung_up = True
        elif descriptor == self.handles.listener:
            self._deny(poll, event)
        elif descriptor in self.aborts:
            poll.unregister(descriptor)  # it stays readable, for every run that it is for
            self.aborted = True
            self._kill()
        elif self.talk is not None and descriptor == self.talk.nudge:
            os.eventfd_read(descriptor)
        elif descriptor == self.streams.feed.fileno():
            poll.unregister(descriptor)  # it may be somebody else's in a moment
            if self.streams.feed.feed():
                poll.register(descriptor, select.EPOLLOUT)
        else:
            stream = self.streams.stdout if descriptor == self.streams.stdout.fileno() else self.streams.stderr
            if not stream.take_some():
                poll.unregister(descriptor)

    def _hear(self) -> None:
        report = self.channel.receive(KILL_PATIENCE_S)
        if report is None:
            self.hung_up = True
        elif report.kind == Kind.ENDED:
            self.report = report
        else:
            report.close()

    def _deny(self, poll: select.epoll, event: int) -> None:
        """Note which forbidden call was made, and end the run: the caller is held in the kernel until then.

        Where calls are only to be learned, the caller goes on instead.
        """
        if not event & select.EPOLLIN:
            poll.unregister(self.handles.listener)  # nobody is left who could make a call
            return
        notification = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self.handles.listener, _NOTIFICATION_RECEIVE, notification)
        except FileNotFoundError:  # the caller was killed meanwhile
            return
        number, _, _, call, *_ = _NOTIFICATION.unpack(notification)
        name = seccomp.name_of(call)
        lent = name == "fcntl" and self._lend_lock()
        if not lent:
            self.denied.append(name)
        if lent or self.learning:
            self._let_go_on(number)
        else:
            self._kill()

    def _lend_lock(self) -> bool:
        """Count a lock of a part of a file; False when it is one too many."""
        self.lock_calls += 1
        return self.lock_calls <= LOCK_CALLS

    def _let_go_on(self, number: int) -> None:
        with contextlib.suppress(FileNotFoundError):  # killed meanwhile
            fcntl.ioctl(self.handles.listener, _RESPONSE_SEND, _RESPONSE.pack(number, 0, 0, _CONTINUE))

    def _enforce(self) -> None:
        if self.report is not None or self.hung_up:
            return
        if self.killed_at is not None:
            if time.monotonic() - self.killed_at >= KILL_PATIENCE_S:
                signal_process(self.handles.init, signal.SIGKILL)
            return
        if (
            self.streams.stdout.overflow
            or self.streams.stderr.overflow
            or (self.talk is not None and self.talk.enough)
            or (self._own_s() * 1000 > self.limits.wall_time_ms and not self.clock.excuses())
            or self.group.cpu_us() > self.limits.cpu_time_ms * 1000
            or self.group.memory_exceeded()
        ):
            self._kill()

    def _kill(self) -> None:
        """End the program; init then ends all others and reports. The first reason stands."""
        if self.killed_at is None:
            self.own_s_when_killed = self._own_s()
            self.killed_at = time.monotonic()
            if self.talk is not None:
                self.talk.ends()
            signal_process(self.handles.program, signal.SIGKILL)
