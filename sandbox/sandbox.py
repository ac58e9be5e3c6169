"""What a process needs to make jails, put together once and checked: fail closed, fail early."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from sandbox import gate, init, nsjail
from sandbox.cold import Space, cold_jail
from sandbox.command import Command, Mount
from sandbox.config import SandboxConfig
from sandbox.conversation import converse
from sandbox.detect import hierarchy
from sandbox.image import mounted
from sandbox.jail import Jail, Parts
from sandbox.kind import Kind
from sandbox.limits import MIB, Limits
from sandbox.network import Link, Network
from sandbox.network.host import OuterFence
from sandbox.network.link import linked
from sandbox.pool import Pool
from sandbox.result import Cause, SandboxError
from sandbox.room import Capacity, Room, size_on_disk
from sandbox.seam import Conversation, Jails, Side, always
from sandbox.seccomp import Policies
from sandbox.series import series
from sandbox.slots import Slot, Slots
from sandbox.warm import WarmJail

TRIAL = Command(("/usr/bin/true",), policy="strict")
TRIAL_LIMITS = Limits(5000, 10_000, 64 * MIB, 4096, MIB, 8)


class Sandbox:
    """Makes slots and jails. Raises SandboxError when made on a host that lacks something."""

    def __init__(self, config: SandboxConfig, abort: int | None = None, *, learning: bool = False) -> None:
        self.config = config
        nsjail.allow_descriptors()
        self.parts = Parts(
            nsjail=nsjail.locate(config.nsjail),
            init=init.build(config.state_dir.resolve()),
            zygote=init.build_zygote(config.state_dir.resolve()),
            common_config=_common_config(config),
            policies=Policies(config.jail_configs / "seccomp", learning=learning),
            hierarchy=hierarchy(config),
            perf=config.perf,
            abort=abort,
        )
        self.pool: Pool | None = None
        self.fence = OuterFence(config.instance, config.network) if config.network else None
        count = config.slots or len(os.sched_getaffinity(0))
        capacity = Capacity.of(config, count)
        folder = config.state_dir / "slots"
        self.slots = Slots(folder, config.instance, self.parts.hierarchy, count, capacity=capacity, abort=abort)

    def slot(
        self, count: int = 1, room: Room | None = None, *, cancel: int | None = None
    ) -> AbstractContextManager[Slot]:
        """Hold room for the jails of one execution, waiting for it; see Jails."""
        return self.slots.acquire(count, room, cancel=cancel)

    @contextmanager
    def spare_slot(self, count: int = 1, room: Room | None = None) -> Iterator[Slot | None]:
        """Borrow room for one more jail of `count` CPUs; None where none is free at this moment or somebody waits."""
        with self.slots.borrow(count, room) as slot:
            try:
                yield slot
            finally:
                if slot is not None and self.pool is not None:
                    # Or its thread would go on making jails in a slot that somebody else may hold by then.
                    self.pool.forget(slot.name)

    def settle(self, slot: Slot) -> Slot:
        """Give back the memory that was only needed at first; gives the slot as it is from now on."""
        return self.slots.settle(slot)

    def is_large(self, count: int, room: Room) -> bool:
        """Whether this takes more than what every slot has to itself."""
        return self.slots.is_large(count, room)

    def someone_at_the_door(self) -> bool:
        """Whether a large one waits for room: another would be refused."""
        return self.slots.someone_at_the_door()

    def slot_wanted(self) -> bool:
        """Whether somebody waits for a slot: what is borrowed must be given back."""
        return self.slots.wanted()

    def others_busy(self, slot: Slot) -> bool:
        """Whether another slot than this is held by somebody at the moment."""
        return self.slots.others_busy(slot)

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
    ) -> Iterator[Jail]:
        """Give a jail with an empty box of `disk_bytes`; it is gone when the block is left.

        `mounts` are folders of the host that it shows read-only beside the common ones. The box is a tmpfs, which
        counts as memory, or with `on_disk` an image of its own (root only). Without `network` there is none but a
        loopback; with it there is a filtered one (root only, and only where the configuration offers it). Where
        `command` says what will be run in it, a jail that stands ready for that may be given.
        """
        asked_at = time.monotonic()
        kind = None
        if command is not None and not on_disk and network is None:
            kind = Kind.of(command, mounts, limits if gate.able() else None)
        image_bytes = size_on_disk(disk_bytes) if on_disk else 0
        with (
            self.slots.using(slot, limits.memory_bytes, image_bytes),
            self._ready(slot, kind, disk_bytes, asked_at) as warm,
        ):
            if warm is not None:
                yield warm
                return
            images = self.config.state_dir.resolve() / "images"
            box = mounted(images, self.config.instance, slot, disk_bytes) if on_disk else nullcontext()
            with box as image, self._link(slot, network) as link:
                space = Space(disk_bytes, image, tuple(mounts), link)
                with cold_jail(self.parts, slot, limits, space, asked_at) as jail:
                    yield jail

    def _ready(
        self, slot: Slot, kind: Kind | None, disk_bytes: int, asked_at: float
    ) -> AbstractContextManager[WarmJail | None]:
        if self.pool is None or kind is None or len(slot.numbers) > 1 or slot.is_beside:
            return nullcontext()
        return self.pool.jail(slot, kind, disk_bytes, asked_at)

    @contextmanager
    def within(self, slot: Slot, kind: Kind, limits: Limits, disk_bytes: int) -> Iterator[WarmJail | None]:
        """Give the next jail of a series; None where none can be had."""
        if self.pool is None:
            yield None
            return
        with (
            self.slots.using(slot, limits.memory_bytes),
            self.pool.jail(slot, kind, disk_bytes, time.monotonic()) as inner,
        ):
            yield inner

    def series(
        self, slot: Slot, command: Command, mounts: Sequence[Mount] = (), wanted: Callable[[], bool] = always
    ) -> AbstractContextManager[Jails]:
        """Give jails for many runs of one command: each within one jail that is there for these runs alone."""
        return series(self, slot, command, mounts, wanted)

    def converse(self, slot: Slot, program: Side, interactor: Side, cancel: int | None = None) -> Conversation:
        """Let two programs talk over their stdin and stdout until both have ended, or `cancel` becomes readable."""
        return converse(slot, program, interactor, cancel)

    def start_pool(self) -> None:
        """From here on keep jails standing ready, where the configuration says so.

        Once in each process, and not before a fork: what makes them ends with the process that started it.
        """
        able = self.parts.hierarchy.version != "none" and os.geteuid() == 0
        if self.config.pool is not None and able:
            self.pool = Pool(self.parts, self.config.jail_configs, self.config.pool)
            self.slots.on_change = self.pool.forget

    def stop_pool(self) -> None:
        """End what stands ready."""
        if self.pool is not None:
            self.pool.close()
            self.pool = None

    def _link(self, slot: Slot, network: Network | None) -> AbstractContextManager[Link | None]:
        if network is None:
            return nullcontext()
        if self.fence is None:
            raise SandboxError("this host offers no network to jails")
        return linked(self.fence, slot, network)

    def forget(self) -> None:
        """Remove the instance's control groups that nobody uses; they are made again when needed."""
        self.parts.hierarchy.forget(self.slots.of_others())

    def check(self) -> None:
        """Compile every policy and run one program that does nothing. Raises SandboxError naming what is wrong."""
        self.parts.policies.check()
        with self.slot() as slot, self.jail(slot, TRIAL_LIMITS, MIB) as jail:
            result = jail.run(TRIAL, TRIAL_LIMITS)
        if result.cause is not Cause.EXIT or result.exit_code != 0:
            raise SandboxError(f"a program that does nothing ended as {result.cause} {result.stderr.decode()!r}")


def _common_config(config: SandboxConfig) -> str:
    path = config.jail_configs / "jail.cfg"
    try:
        return path.read_text()
    except OSError as error:
        raise SandboxError(f"the jails' common configuration cannot be read: {error}") from error
