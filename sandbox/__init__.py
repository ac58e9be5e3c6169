"""Run one command inside nsjail under namespace, cgroup and seccomp limits, and say exactly what became of it.

This package knows no Flask, Celery, Redis or PostgreSQL and could be published alone: it imports nothing of the other
packages and reads no environment variable. Its way of working:

    Sandbox            what a process needs to make jails: paths, cgroups, policies, slots
      Slot             room for one timed jail: its own uids, CPU, cgroup, memory and disk; held under file locks
        Jail           one nsjail process; inside, our init stands waiting, its box is an empty tmpfs
          jail.box     files in before the run, files out after it, by descriptor only
          jail.run()   let one Command go under Limits; gives a RunResult or raises SandboxError

A program's fault is a `RunResult`; ours is a `SandboxError`. Nothing is ever run unconfined because a part is missing.
"""

from sandbox.box import Box, Collected, Collection
from sandbox.command import BOX_PATH, Command, Mount
from sandbox.config import PoolConfig, SandboxConfig
from sandbox.jail import Jail
from sandbox.limits import Limits
from sandbox.network import Allow, Network, NetworkConfig, Protocol
from sandbox.pool import Pool
from sandbox.result import Cause, Counters, RoomTaken, RunAborted, RunResult, SandboxError
from sandbox.room import Capacity, Room
from sandbox.sandbox import Sandbox
from sandbox.seam import BoxFiles, Conversation, Jails, OpenJail, Side, always
from sandbox.shelf import PoolStats
from sandbox.slots import Slot, Slots
from sandbox.streams import Taker
from sandbox.telling import Listener
from sandbox.transcript import Said, Speaker

__all__ = [
    "BOX_PATH",
    "Allow",
    "Box",
    "BoxFiles",
    "Capacity",
    "Cause",
    "Collected",
    "Collection",
    "Command",
    "Conversation",
    "Counters",
    "Jail",
    "Jails",
    "Limits",
    "Listener",
    "Mount",
    "Network",
    "NetworkConfig",
    "OpenJail",
    "Pool",
    "PoolConfig",
    "PoolStats",
    "Protocol",
    "Room",
    "RoomTaken",
    "RunAborted",
    "RunResult",
    "Said",
    "Sandbox",
    "SandboxConfig",
    "SandboxError",
    "Side",
    "Slot",
    "Slots",
    "Speaker",
    "Taker",
    "always",
]
