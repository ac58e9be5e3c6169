import pytest

from sandbox import Cause
from tests.jail.running import Runner

# Whatever they do, the wall limit ends them; that nothing of them is left is checked after every test.


ENDLESS = (
    *("stop", "stop-self", "stop-all", "ignore", "vfork-hang", "threads", "forks", "vforks", "respawn"),
    *("chain", "siblings", "silent-siblings"),
)
BOMBS = ("forks", "vforks", "respawn", "chain", "siblings", "silent-siblings")


@pytest.mark.parametrize("what", ENDLESS)
def test_a_program_that_does_not_want_to_end_is_ended(run: Runner, what: str) -> None:
    result = run.program("hostile", what, wall_time_ms=250, processes=24)
    assert result.cause is Cause.WALL
    assert result.wall_time_us > 250_000


@pytest.mark.parametrize("what", ["stop-all", "threads", "forks", "siblings"])
def test_it_is_ended_within_a_fifth_of_a_second(run: Runner, what: str) -> None:
    """Up to five attempts: a machine that is busy elsewhere may delay the keeper, but not each time."""
    took = (run.program("hostile", what, wall_time_ms=200, processes=24).wall_time_us for _ in range(5))
    assert any(wall_time_us <= 400_000 for wall_time_us in took)


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_ended_by_its_cpu_time(run: Runner, what: str) -> None:
    result = run.program("hostile", what, cpu_time_ms=200, processes=24)
    assert result.cause is Cause.CPU


@pytest.mark.parametrize("policy", ["strict", "compile"])
def test_a_daemon_ends_with_the_program(run: Runner, policy: str) -> None:
    result = run.program("hostile", "daemon", policy=policy)
    assert (result.cause, result.exit_code) == (Cause.EXIT, 0)


def test_running_out_of_descriptors_is_the_programs_own_affair(run: Runner) -> None:
    result = run.program("hostile", "descriptors")
    assert (result.cause, result.exit_code) == (Cause.EXIT, 1)
    taken, why = result.stdout.decode().split(maxsplit=1)
    assert int(taken) <= 1024
    assert why == "Too many open files\n"
    assert run.program("end", "exit", 0).exit_code == 0


def test_no_more_processes_than_allowed(run: Runner) -> None:
    result = run.program("hostile", "count-forks", processes=8)
    # Without control groups the kernel counts init's processes too where the program has init's uid.
    assert result.stdout == (b"6\n" if run.mode == "ordinary" else b"7\n")


FORK = "import os\ntry:\n while True:\n  if os.fork() == 0: os.read(3, 1)\nexcept BlockingIOError: {}"


def test_processes_are_the_cause_only_where_the_program_failed(run: Runner) -> None:
    failed = run.python(f"import os; os.pipe()\n{FORK.format('raise SystemExit(3)')}", processes=4).result
    passed = run.python(f"import os; os.pipe()\n{FORK.format('raise SystemExit(0)')}", processes=4).result
    assert failed.exit_code == 3
    assert (passed.cause, passed.exit_code) == (Cause.EXIT, 0)
    # What was refused is known to a control group alone.
    assert failed.cause is (Cause.PROCESSES if run.counted else Cause.EXIT)


TRICKS = {
    "slow down init": "os.setpriority(os.PRIO_PROCESS, 1, 19)",
    "starve init": "os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))",
    "move init": "os.sched_setaffinity(1, os.sched_getaffinity(0))",
    "wake init": "[os.kill(1, 17) for _ in range(1000)]",
    "kill init": "[os.kill(1, n) for n in range(1, 65) if n not in (32, 33)]",
    "kill all": "signal.signal(15, signal.SIG_IGN); [os.kill(-1, n) for n in (1, 2, 9, 15)]",
    "queue to init": "[ctypes.CDLL(None).sigqueue(1, n, None) for n in range(34, 65)]",
    "limit init": "resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))",
    "become a reaper": "ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)",
    "own filter": "ctypes.CDLL(None).prctl(22, 1, 0, 0, 0)",
    "close all": "os.closerange(0, 1024)",
    "fill the pipe": "os.set_blocking(1, False); [os.write(1, b'x' * 4096) for _ in range(8)]",
    "read its own output": "print('x', flush=True); os.read(os.open('/proc/self/fd/1', os.O_RDONLY), 1)",
    "feed itself": "os.write(os.open('/proc/self/fd/0', os.O_WRONLY), b'x')",
    "resize the pipes": "[fcntl.fcntl(n, 1031, 4096) for n in (0, 1, 2)]",
    "signals from pipes": "[fcntl.fcntl(n, fcntl.F_SETOWN, 1) for n in (0, 1, 2)]",
    "hide from itself": "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)",
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS.keys())
def test_no_trick_makes_the_sandbox_fail(run: Runner, trick: str) -> None:
    """Whether the kernel lets it or not: the run ends with a result, never with an error of ours."""
    text = f"import ctypes, fcntl, os, resource, signal\ntry:\n {trick}\nexcept OSError: pass\nos._exit(5)"
    result = run.python(text, wall_time_ms=1000).result
    assert (result.exit_code, result.exit_signal) in {(5, None), (None, 9)}
    assert result.cause in {Cause.EXIT, Cause.WALL, Cause.SIGNAL}


def test_children_that_starve_init_do_not_hold_up_the_end(run: Runner) -> None:
    starve = (
        "import os\n"
        "try: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))\n"
        "except OSError: pass\n"
        "for _ in range(8):\n"
        " if os.fork() == 0:\n"
        "  while True: pass\n"
        "os._exit(0)\n"
    )
    result = run.python(starve, cpu_time_ms=5000).result
    assert result.cause in {Cause.EXIT, Cause.CPU}
