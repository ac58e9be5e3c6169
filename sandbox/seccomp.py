"""Seccomp policies as data: `jail-configs/seccomp/*.toml`, compiled to BPF by libseccomp through pyseccomp.

A policy is an allow-list. `include` names the policies it builds on. `[allow]` maps each system call to the reason
why it is there; `[nothing]` lists calls that succeed and do nothing; `[kill]` those that no program makes by accident:
the kernel hands them to the keeper, which notes the name and ends the jail; `[errno]` gives the error that a probing
call meets; everything else is ENOSYS, so that a runtime falls back as it would on an older kernel. Only the native
architecture is let through: another one (i386, x32) ends the program.
"""

import errno
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyseccomp

from sandbox.result import SandboxError

ARCHITECTURES = {"x86_64": pyseccomp.Arch.X86_64, "aarch64": pyseccomp.Arch.AARCH64}
"""Every name must mean something to libseccomp on one of these at least."""

NAMESPACE_FLAGS = 0x7E020080
"""CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET,TIME}: no process inside makes namespaces."""
CLONE_FILES = 0x400

FILE_COMMANDS = (*range(6), 8, 9, 10, 11, 15, 16, 36, *range(1030, 1040))
"""Of fcntl(2). Not F_NOTIFY and the leases (1024..1026): they tell of what others do with the host's files."""
LOCK_COMMANDS = (6, 7, 37, 38)
"""F_SETLK, F_SETLKW and their OFD kinds. No control group counts the kernel's memory for them, so the keeper counts
the calls (`sandbox/keeper.py`)."""

INTERNET_FAMILIES = (2, 10)
INTERNET_SOCKETS = ((1, 0), (1, 6), (2, 0), (2, 17))
"""Type and protocol: TCP and UDP. Others (SCTP, DCCP, MPTCP, UDP-Lite) are code of the host's kernel that is rarely
used, and that a mere socket(2) makes it load."""
SOCKET_TYPE_MASK = 0xF
"""The type's bits beside SOCK_NONBLOCK and SOCK_CLOEXEC."""
PAIR_FAMILY = 1
"""Of socketpair(2), which makes a socket of any family before it says that it has no pairs."""
OPTION_LEVELS = (0, 17, 41)
"""Of setsockopt(2), with all their options: IP, UDP, IPv6."""
OPTIONS = {1: (*range(1, 22), 29, 35, 37, 40, 42, 47, 66, 67), 6: (*range(1, 14), 18, 23, 25)}
"""What programs set of the levels of sockets and of TCP. Not SO_ATTACH_FILTER and its kin: compiled filters lie in
memory of the kernel that no group counts and all of the host share, so who fills it keeps others from having a filter
of seccomp. Nor TCP_ULP (protocols on top of TCP, in the kernel), TCP_REPAIR, TCP_MD5SIG."""
PROCESS_OPTIONS = (*range(1, 22), 23, *range(25, 31), *range(36, 43), 45, 46, *range(50, 57), 63, 64, 65, 66)
"""Of prctl(2). Not PR_SET_SECCOMP (22), for the same reason; nor PR_SCHED_CORE (62), which takes a CPU's sibling away
from the neighbour there."""
_HUGE_PAGES = {"mmap": (3, 0x40000), "memfd_create": (1, 0x4), "shmget": (2, 0o4000)}
HUGE_PAGES = {call: pyseccomp.Arg(at, pyseccomp.MASKED_EQ, bit, bit) for call, (at, bit) in _HUGE_PAGES.items()}
"""Calls, and what asks for huge pages that were set aside: no group counts them as memory."""
CONDITIONS = {
    "clone": (pyseccomp.Arg(0, pyseccomp.MASKED_EQ, NAMESPACE_FLAGS, 0),),
    "prlimit64": (pyseccomp.Arg(0, pyseccomp.EQ, 0),),
    "socketpair": (pyseccomp.Arg(0, pyseccomp.EQ, PAIR_FAMILY),),
    **{call: (pyseccomp.Arg(at, pyseccomp.MASKED_EQ, bit, 0),) for call, (at, bit) in _HUGE_PAGES.items()},
}
"""Calls that are allowed by one of their arguments."""

DEFAULT_ERROR = "ENOSYS"

NETWORK_VARIANT = "-network"

OWN_CALLS = ("read", "write", "execve", "exit_group")
"""What init's child still calls behind its own filter."""


@dataclass(frozen=True)
class Policy:
    """One policy with all it includes."""

    name: str
    allow: Mapping[str, str]
    nothing: Mapping[str, str]
    kill: Mapping[str, str]
    errors: Mapping[str, str]
    """errno names by system call."""
    socket_families: tuple[int, ...]


class Policies:
    """All policies of a folder; compiled once each, when first asked for."""

    def __init__(self, folder: Path, *, learning: bool = False) -> None:
        self.folder = folder
        self.learning = learning
        """Whether calls that a policy lacks go on and are only noted; for trusted programs, by hand."""
        self._compiled: dict[str, bytes] = {}

    @cached_property
    def names(self) -> list[str]:
        """Every policy there is."""
        return sorted(path.stem for path in self.folder.glob("*.toml"))

    def filter(self, name: str) -> bytes:
        """Give the BPF program of a policy. Raises SandboxError naming what is wrong in its file."""
        if name not in self._compiled:
            self._compiled[name] = compile_policy(load(self.folder, name), learning=self.learning)
        return self._compiled[name]

    def with_sockets(self, name: str) -> str:
        """Name the policy to use in its place where a jail has a network: `NAME-network` where there is one."""
        variant = name + NETWORK_VARIANT
        return variant if variant in self.names else name

    def check(self) -> None:
        """Compile them all. Raises SandboxError for the first that is wrong."""
        for name in self.names:
            self.filter(name)


def load(folder: Path, name: str) -> Policy:
    """Read a policy with what it includes; what comes later overrides. Raises SandboxError."""
    path = folder / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SandboxError(f"seccomp policy {name!r} cannot be read: {error}") from error
    unknown = table.keys() - {"include", "allow", "nothing", "kill", "errno", "socket_families"}
    if unknown:
        raise SandboxError(f"{path}: unknown keys {sorted(unknown)}")
    allow: dict[str, str] = {}
    nothing: dict[str, str] = {}
    kill: dict[str, str] = {}
    errors: dict[str, str] = {}
    families: tuple[int, ...] = ()
    for base in (load(folder, included) for included in table.get("include", [])):
        allow.update(base.allow)
        nothing.update(base.nothing)
        kill.update(base.kill)
        errors.update(base.errors)
        families += base.socket_families
    for mine, key in ((allow, "allow"), (nothing, "nothing"), (kill, "kill"), (errors, "errno")):
        mine.update(table.get(key, {}))
    for call in table.get("allow", {}):
        nothing.pop(call, None)
        kill.pop(call, None)
        errors.pop(call, None)
    return Policy(name, allow, nothing, kill, errors, families + tuple(table.get("socket_families", {}).values()))


def compile_policy(policy: Policy, *, learning: bool = False) -> bytes:
    """Turn a policy into a BPF program. Raises SandboxError for a name that no architecture of ours knows.

    With `learning` whatever the policy does not allow is handed to the keeper, which lets it go on.
    """
    missing = [call for call in OWN_CALLS if call not in policy.allow]
    if missing:
        raise SandboxError(f"seccomp policy {policy.name!r} must allow {missing}: the jail's own init calls them")
    default = pyseccomp.NOTIFY if learning else pyseccomp.ERRNO(getattr(errno, DEFAULT_ERROR))
    rules = pyseccomp.SyscallFilter(default)
    rules.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    rules.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, 2)
    for call in policy.allow:
        _allow(rules, policy, call)
    if not learning:
        _deny(rules, policy)
    if "fcntl" in policy.allow:
        _handle(rules, "fcntl", LOCK_COMMANDS, pyseccomp.ALLOW if learning else pyseccomp.NOTIFY)
    # init's child leaves the table of descriptors that it shares with init, by exactly this call.
    rules.add_rule(pyseccomp.ALLOW, "unshare", pyseccomp.Arg(0, pyseccomp.EQ, CLONE_FILES))
    return _export(rules)


def _deny(rules: pyseccomp.SyscallFilter, policy: Policy) -> None:
    for call in policy.nothing:
        if _native(policy, call):
            rules.add_rule(pyseccomp.ERRNO(0), call)
    for call in policy.kill:
        if _native(policy, call):
            rules.add_rule(pyseccomp.NOTIFY, call)
    for call, name in policy.errors.items():
        if _native(policy, call) and name != DEFAULT_ERROR:  # libseccomp refuses a rule that says the default
            rules.add_rule(pyseccomp.ERRNO(getattr(errno, name)), call)


def _allow(rules: pyseccomp.SyscallFilter, policy: Policy, call: str) -> None:
    if not _native(policy, call):
        return
    if call == "socket":
        for family in policy.socket_families:
            _allow_sockets(rules, family)
    elif call == "setsockopt":
        _allow_options(rules)
    elif call == "fcntl":
        _handle(rules, call, FILE_COMMANDS, pyseccomp.ALLOW)
    elif call == "prctl":
        for option in PROCESS_OPTIONS:
            rules.add_rule(pyseccomp.ALLOW, call, pyseccomp.Arg(0, pyseccomp.EQ, option))
    else:
        rules.add_rule(pyseccomp.ALLOW, call, *CONDITIONS.get(call, ()))
        if call in HUGE_PAGES:
            rules.add_rule(pyseccomp.ERRNO(errno.ENOMEM), call, HUGE_PAGES[call])


def _allow_sockets(rules: pyseccomp.SyscallFilter, family: int) -> None:
    of_family = pyseccomp.Arg(0, pyseccomp.EQ, family)
    if family not in INTERNET_FAMILIES:
        rules.add_rule(pyseccomp.ALLOW, "socket", of_family)
        return
    for kind, protocol in INTERNET_SOCKETS:
        of_kind = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, SOCKET_TYPE_MASK, kind)
        rules.add_rule(pyseccomp.ALLOW, "socket", of_family, of_kind, pyseccomp.Arg(2, pyseccomp.EQ, protocol))


def _allow_options(rules: pyseccomp.SyscallFilter) -> None:
    for level in OPTION_LEVELS:
        rules.add_rule(pyseccomp.ALLOW, "setsockopt", pyseccomp.Arg(1, pyseccomp.EQ, level))
    for level, options in OPTIONS.items():
        for option in options:
            of_level = pyseccomp.Arg(1, pyseccomp.EQ, level)
            rules.add_rule(pyseccomp.ALLOW, "setsockopt", of_level, pyseccomp.Arg(2, pyseccomp.EQ, option))


def _handle(rules: pyseccomp.SyscallFilter, call: str, commands: Sequence[int], action: int) -> None:
    """Decide on a call by its second argument, all 64 bits of it."""
    for command in commands:
        rules.add_rule(action, call, pyseccomp.Arg(1, pyseccomp.EQ, command))


def _native(policy: Policy, call: str) -> bool:
    """Tell whether this machine has the call. Raises SandboxError where none of the architectures has."""
    if not any(_number(architecture, call) is not None for architecture in ARCHITECTURES.values()):
        raise SandboxError(f"seccomp policy {policy.name!r}: libseccomp knows no system call {call!r}")
    return _number(pyseccomp.system_arch(), call) is not None


def _number(architecture: int, call: str) -> int | None:
    try:
        number = pyseccomp.resolve_syscall(architecture, call)
    except (OSError, ValueError):
        return None
    return number if isinstance(number, int) and number >= 0 else None


def name_of(number: int) -> str:
    """Give the name of a native system call, or `#number` where libseccomp has none."""
    try:
        name = pyseccomp.resolve_syscall(pyseccomp.system_arch(), number)
    except (OSError, ValueError):
        return f"#{number}"
    return name.decode() if isinstance(name, bytes) else str(name)


def _export(rules: pyseccomp.SyscallFilter) -> bytes:
    descriptor = os.memfd_create("seccomp")
    with os.fdopen(descriptor, "w+b") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
