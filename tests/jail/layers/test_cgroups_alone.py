"""Control groups, without resource limits and without seccomp."""

from collections.abc import Iterator, Mapping

import pytest

from sandbox import Cause
from tests.jail.layers import weaken
from tests.jail.running import MIB, Runner


@pytest.fixture
def groups_alone(runners: Mapping[str, Runner]) -> Iterator[Runner]:
    """Runs with control groups and no other limit of the kernel's."""
    with weaken.no_seccomp(), weaken.no_rlimits():
        yield runners["cgroup"]


def test_no_resource_limit_is_left(groups_alone: Runner) -> None:
    ours = groups_alone.says("import resource as r; print(r.getrlimit(r.RLIMIT_CPU), r.getrlimit(r.RLIMIT_FSIZE))")
    assert ours == "(-1, -1) (-1, -1)\n"


@pytest.mark.parametrize("argv", [("malloc", 300), ("file", 300, "/tmp/big"), ("many", 12, 10), ("pipes", 60)])
def test_memory_is_held(groups_alone: Runner, argv: tuple[object, ...]) -> None:
    result = groups_alone.program("spend", *argv, memory_bytes=32 * MIB)
    assert result.cause is Cause.MEMORY
    assert result.memory_bytes is not None
    assert result.memory_bytes <= 32 * MIB


@pytest.mark.parametrize("bomb", ["forks", "vforks", "threads", "respawn"])
def test_processes_are_held(groups_alone: Runner, bomb: str) -> None:
    result = groups_alone.program("hostile", bomb, processes=16, wall_time_ms=200)
    assert result.cause is Cause.WALL
    assert result.counters.pids_peak is not None
    assert result.counters.pids_peak <= 16


def test_a_part_of_a_cpu_is_all_there_is(groups_alone: Runner) -> None:
    result = groups_alone.program("spend", "threads", 4, 50, cpu_millicores=500)
    assert result.cause is Cause.EXIT
    assert result.wall_time_us > 300_000


def test_cpu_time_of_a_chain_of_short_lives_counts(groups_alone: Runner) -> None:
    result = groups_alone.program("hostile", "chain", cpu_time_ms=200)
    assert (result.cause, result.exit_signal) == (Cause.CPU, 9)
