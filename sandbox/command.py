"""What to run, and how nsjail is told to make the jail for it (pure; the only place where units are converted)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.limits import MIB
from sandbox.network import Link, names
from sandbox.slots import PROGRAM_UID, UIDS_PER_SLOT

BOX_PATH = "/box"

CERTIFICATES = ("/etc/ssl/certs", "/etc/ssl/openssl.cnf")
"""Of the host, for jails with a network: whom a TLS client trusts."""

BASE_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": BOX_PATH, "LANG": "C.UTF-8", "TMPDIR": "/tmp"}  # noqa: S108 - inside


@dataclass(frozen=True)
class Command:
    """One command line. `argv[0]` is a path (absolute, or `./name` in the box): no search, no shell."""

    argv: tuple[str, ...]
    policy: str
    """Name of the seccomp policy, a file of `jail-configs/seccomp/`."""
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    arguments: tuple[str, ...] = ()
    """What follows `argv` in the command line, and is not known to an interpreter that was started ahead."""
    interpreter: str | None = None
    """Which interpreter `argv` starts, where that can be done ahead of the program: a file of `interpreters/`."""

    held_at: str | None = None
    """The file of the box that what `argv` starts opens first, where it can be started ahead and held there: nothing
    that it does until then depends on the files of the program."""

    seed: int | None = None
    """PYTHONHASHSEED, 1 to 2**32 - 1: what a program's sets and dicts look like, so that it can be had again."""

    @property
    def line(self) -> tuple[str, ...]:
        """The whole command line."""
        return (*self.argv, *self.arguments)

    @property
    def environment(self) -> list[str]:
        """The whole environment as NAME=value; nothing of ours is inherited."""
        seed = {} if self.seed is None else {"PYTHONHASHSEED": str(self.seed)}
        return [f"{name}={value}" for name, value in {**BASE_ENVIRONMENT, **self.env, **seed}.items()]


Mount = str | tuple[str, str]
"""A folder of the host that a jail shows read-only: at the same place, or (folder, place) at another."""


@dataclass(frozen=True)
class Room:
    """What a jail is made with before anything is known of the program: identities and sizes of its file systems."""

    init_uid: int | None
    """Host uid of init; None where only one uid can be mapped (not root)."""
    program_uid: int
    """Host uid of the program."""
    disk_bytes: int
    inodes: int
    tmp_bytes: int
    image: Path | None = None
    """Mounted folder of a loop image that becomes the box instead of a tmpfs."""
    mounts: tuple[Mount, ...] = ()
    """Folders of the host shown read-only."""
    link: Link | None = None
    """The link that nsjail is started behind; None: a namespace of the jail's own, with a loopback alone."""
    program_uids: int = UIDS_PER_SLOT - 1
    """How many host uids there are for programs, from `program_uid` on, where there are several to map."""


def inodes_for(disk_bytes: int) -> int:
    """How many files a box of this size may hold: one per 4 KiB, at least 256, at most 65536."""
    return max(256, min(65_536, disk_bytes // 4096))


def room_config(room: Room) -> str:
    """Write the part of nsjail's configuration (protobuf text) that differs between jails."""
    inside = [(PROGRAM_UID, room.program_uid, 1)]
    if room.init_uid is not None:
        inside = [(0, room.init_uid, 1), (PROGRAM_UID, room.program_uid, room.program_uids)]
    maps = [
        f'{kind} {{ inside_id: "{inner}" outside_id: "{outer}" count: {count} }}'
        for kind in ("uidmap", "gidmap")
        for inner, outer, count in inside
    ]
    own = f"clone_newnet: {'true' if room.link is None else 'false'}"
    mounts = [*map(_host_folder, room.mounts), _box_mount(room), *_scratch_mounts(room), *_network_mounts(room)]
    return "\n".join([*maps, own, *mounts]) + "\n"


def _host_folder(mount: Mount) -> str:
    source, place = (mount, mount) if isinstance(mount, str) else mount
    names = f"src: {json.dumps(source)} dst: {json.dumps(place)}"
    return f"mount {{ {names} is_bind: true rw: false nosuid: true nodev: true mandatory: false }}"


def _box_mount(room: Room) -> str:
    if room.image is not None:
        return f'mount {{ src: "{room.image}" dst: "{BOX_PATH}" is_bind: true rw: true nosuid: true nodev: true }}'
    owner = f"uid={PROGRAM_UID},gid={PROGRAM_UID},mode=0755"
    return _tmpfs(BOX_PATH, f"size={room.disk_bytes},nr_inodes={room.inodes},{owner}")


def _scratch_mounts(room: Room) -> list[str]:
    options = f"size={room.tmp_bytes},nr_inodes={inodes_for(room.tmp_bytes)},mode=1777"
    return [_tmpfs("/tmp", options), _tmpfs("/dev/shm", options)]  # noqa: S108 - inside


def _network_mounts(room: Room) -> list[str]:
    if room.link is None:
        return []
    files = {"/etc/hosts": room.link.hosts, "/etc/resolv.conf": room.link.resolver, "/etc/nsswitch.conf": names.SWITCH}
    return [*(_text_file(path, text) for path, text in files.items()), *map(_host_folder, CERTIFICATES)]


def _text_file(path: str, text: str) -> str:
    # What stands in them was made by us of addresses and checked names; JSON's escapes are protobuf's too.
    return f'mount {{ src_content: {json.dumps(text)} dst: "{path}" nosuid: true nodev: true }}'


def _tmpfs(path: str, options: str) -> str:
    return f'mount {{ dst: "{path}" fstype: "tmpfs" rw: true nosuid: true nodev: true options: "{options}" }}'


def nsjail_argv(
    nsjail: Path, config_fd: int, log_fd: int, socket_fd: int, init: Path, *, rerun: bool = False
) -> list[str]:
    """Give nsjail's command line: configuration and log by descriptor, and our init executed from one.

    With `rerun` it makes one jail after the other. What every program can read of init's command line says nothing of
    where it lies.
    """
    return [
        *(str(nsjail), "--config", f"/proc/self/fd/{config_fd}", "--log_fd", str(log_fd)),
        *(
            "--pass_fd",
            str(socket_fd),
            "--mode",
            "r" if rerun else "o",
            "--execute_fd",
            "--exec_file",
            str(init),
            "--",
            "init",
            str(socket_fd),
        ),
    ]


def mib(megabytes: int) -> int:
    """Turn a number of MiB into bytes."""
    return megabytes * MIB
