from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sandbox import Cause, Sandbox, SandboxError
from sandbox.cgroup_v1 import HierarchyV1
from sandbox.cgroup_v2 import HierarchyV2
from tests.jail.leaks import groups
from tests.jail.running import MIB, Runner

# What the kernel's own counting adds: memory that nobody has mapped, and shares of a CPU.


@pytest.fixture
def counted(runners: Mapping[str, Runner]) -> Runner:
    """Runs with control groups."""
    return runners["cgroup"]


TAKERS = {
    "file in /tmp": ("file", 300, "/tmp/big"),
    "file in /dev/shm": ("file", 300, "/dev/shm/big"),
    "memfd": ("memfd", 300),
    "System V segment": ("sysv", 300),
    "pipe buffers": ("pipes", 60),
    "page tables": ("page-tables", 300),
    "many children": ("many", 12, 10),
    "child whose parent exits 0": ("child", 300),
}


@pytest.mark.parametrize("argv", TAKERS.values(), ids=TAKERS.keys())
def test_the_kernel_sees_memory_that_nobody_has_mapped(counted: Runner, argv: tuple[object, ...]) -> None:
    result = counted.program("spend", *argv, memory_bytes=32 * MIB, file_bytes=1024 * MIB)
    assert result.cause is Cause.MEMORY
    assert result.memory_bytes is not None
    assert 30 * MIB < result.memory_bytes <= 32 * MIB


def test_memory_is_the_cause_even_if_the_program_exited_0(counted: Runner) -> None:
    result = counted.program("spend", "child", 300, memory_bytes=32 * MIB)
    assert result.cause is Cause.MEMORY
    # Version 1 ends the child alone; version 2 ends all processes of the run together.
    assert (result.exit_code, result.exit_signal) in {(0, None), (None, 9)}


# Every socket takes as much as it may, and nobody reads. Said in the end: pages that all sockets of the host hold.
TCP = """
import socket
server = socket.create_server(("127.0.0.1", 0), backlog=99)
held = []
for _ in range(60):
    pair = [socket.create_connection(server.getsockname()), server.accept()[0]]
    held += pair
    for end in pair:
        end.setblocking(False)
        try:
            while True: end.send(bytes(65536))
        except BlockingIOError: pass
"""
UDP = """
import socket
held = []
for _ in range(400):
    reader, writer = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 30)
    reader.bind(("127.0.0.1", 0))
    held.append(reader)
    with writer:
        for _ in range(400): writer.sendto(bytes(1400), socket.MSG_DONTWAIT, reader.getsockname())
"""
HELD = "print(*(line.split()[-1] for line in open('/proc/net/sockstat') if line.startswith(('TCP:', 'UDP:'))))"


def held_pages(said: str) -> int:
    return sum(map(int, said.split()))


@pytest.mark.parametrize("fill", [TCP, UDP], ids=["tcp", "udp"])
def test_buffers_of_sockets_stay_below_the_limit(counted: Runner, fill: str) -> None:
    before = held_pages(counted.says(HELD))
    result = counted.python(fill + HELD, memory_bytes=32 * MIB).result
    assert result.cause in {Cause.EXIT, Cause.MEMORY}
    if result.cause is Cause.EXIT:
        assert (held_pages(result.stdout.decode()) - before) * 4096 < 64 * MIB


def test_page_cache_that_reaches_the_limit_is_not_memory(counted: Runner) -> None:
    read = (
        "import os\n"
        "for folder, _, names in os.walk('/usr/lib/python3'):\n"
        " for name in names:\n"
        "  path = os.path.join(folder, name)\n"
        "  if not os.path.islink(path): open(path, 'rb').read(1 << 20)\n"
    )
    result = counted.python(read, memory_bytes=24 * MIB).result
    assert (result.cause, result.exit_code) == (Cause.EXIT, 0)


def test_half_a_cpu_takes_twice_the_time(counted: Runner) -> None:
    result = counted.program("spend", "spin", 200, cpu_millicores=250)
    assert result.cause is Cause.EXIT
    assert result.wall_time_us > 3 * 200_000


def test_counters_say_what_happened(counted: Runner) -> None:
    result = counted.program("hostile", "count-forks", processes=8)
    assert result.counters.pids_peak == 8
    assert result.counters.system_calls is not None
    assert result.counters.page_faults is not None
    assert result.counters.sources["pids_peak"] == "cgroup"


def test_counters_start_anew_for_every_run(counted: Runner) -> None:
    counted.program("spend", "malloc", 100)
    result = counted.program("end", "exit", 0)
    assert result.memory_bytes is not None
    assert result.memory_bytes < 20 * MIB
    assert result.cpu_time_us < 500_000


def test_a_program_cannot_leave_its_cpus(counted: Runner) -> None:
    text = (
        "import os\ntry: os.sched_setaffinity(0, range(64))\nexcept OSError: pass\nprint(len(os.sched_getaffinity(0)))"
    )
    assert counted.says(text) == "1\n"


@pytest.fixture
def short(sandboxes: Mapping[str, Sandbox]) -> Iterator[None]:
    """All jails together have 64 MiB, as on a host that is short of memory."""
    hierarchy = sandboxes["cgroup"].parts.hierarchy
    if isinstance(hierarchy, HierarchyV1):
        limit, none = hierarchy.roots["memory"] / "memory.limit_in_bytes", "-1"
    else:
        assert isinstance(hierarchy, HierarchyV2)
        limit, none = hierarchy.root / "memory.max", "max"
    limit.write_text(str(64 * MIB))
    yield
    limit.write_text(none)


def test_a_kill_for_the_memory_of_all_is_not_the_programs(counted: Runner, short: None) -> None:
    del short
    with pytest.raises(SandboxError, match="had no memory left"):
        counted.program("spend", "malloc", 200, memory_bytes=256 * MIB)


def test_the_group_is_empty_and_gone_after_the_run(
    sandboxes: Mapping[str, Sandbox], programs: Mapping[str, Path], counted: Runner
) -> None:
    counted.program("hostile", "forks", wall_time_ms=100, processes=16)
    left = groups(sandboxes["cgroup"].config.instance)
    assert left
    assert not [path for path in left if path.name.startswith("run-")]
    assert not [path for path in left if (path / "cgroup.procs").read_text()]
