"""A jail made when it is asked for, exactly as it is asked for: the way that is always there."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.command import Mount, Room, inodes_for, room_config
from sandbox.init import Channel
from sandbox.jail import Jail, Parts
from sandbox.limits import Limits
from sandbox.network import Link
from sandbox.nsjail import Nsjail
from sandbox.result import SandboxError
from sandbox.slots import Slot
from sandbox.standing import Standing


@dataclass(frozen=True)
class Space:
    """What a jail shows: the size of its box, an image that is its box, folders of the host, a network."""

    disk_bytes: int
    image: Path | None = None
    mounts: tuple[Mount, ...] = ()
    link: Link | None = None


def room_of(slot: Slot, limits: Limits, space: Space) -> Room:
    """Say what nsjail is to make."""
    return Room(
        init_uid=slot.init_uid,
        program_uid=slot.program_uid,
        disk_bytes=space.disk_bytes,
        inodes=inodes_for(space.disk_bytes),
        tmp_bytes=limits.memory_bytes,
        image=space.image,
        mounts=space.mounts,
        link=space.link,
        program_uids=slot.program_uids,
    )


@contextmanager
def cold_jail(parts: Parts, slot: Slot, limits: Limits, space: Space, asked_at: float) -> Iterator[Jail]:
    """Make a jail; it is gone when the block is left. Raises SandboxError."""
    ours, theirs = socket.socketpair()
    with closing(Channel(ours)) as channel:
        with theirs:
            config = parts.common_config + room_config(room_of(slot, limits, space))
            namespace = space.link.namespace if space.link else None
            process = Nsjail(parts.nsjail, parts.init, config, theirs, namespace=namespace)
        with closing(process):
            standing = _standing(parts, process, channel, slot)
            with closing(standing.box):
                try:
                    memory = space.image is None
                    yield Jail(parts, slot, standing, asked_at=asked_at, link=space.link, box_is_memory=memory)
                finally:
                    standing.end()


def _standing(parts: Parts, process: Nsjail, channel: Channel, slot: Slot) -> Standing:
    try:
        return Standing.receive(channel, parts.hierarchy, slot)
    except SandboxError as error:
        process.process.kill()
        process.process.wait()
        raise SandboxError(f"nsjail made no jail: {process.complaints()} ({error})") from error
