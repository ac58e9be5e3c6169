"""A program cannot tell an interpreter that was started ahead from one that was started for it."""

import json

import pytest

from sandbox import Command
from tests.jail.conftest import WARM_MODES
from tests.jail.running import PYTHON, Ask, Runner, limits

LOOK = """
import json, os, signal, sys, threading
main = sys.modules["__main__"]
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({
    "modules": sorted(sys.modules),
    "argv": sys.argv,
    "orig_argv": sys.orig_argv,
    "path": sys.path,
    "flags": str(sys.flags),
    "path_importer_cache": sorted(sys.path_importer_cache),
    "main": {name: type(value).__name__ for name, value in sorted(vars(main).items()) if name != "status"},
    "names": [main.__name__, main.__file__, main.__package__, main.__spec__, main.__cached__],
    "loader": type(main.__loader__).__name__,
    "environment": sorted(os.environ),
    "site": sorted(vars(sys.modules["site"])),
    "user site": sys.modules["site"].ENABLE_USER_SITE,
    "streams": [repr(one) for one in (sys.stdin, sys.stdout, sys.stderr)],
    "buffering": [one.line_buffering for one in (sys.stdin, sys.stdout, sys.stderr)],
    "read": sys.stdin.read(),
    "descriptors": sorted(os.listdir("/proc/self/fd")),
    "ids": [os.getpid(), os.getppid(), os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    "uids": [os.getuid() == os.geteuid() >= 1000, os.getgid() == os.getuid(), os.getgroups()],
    "thread": [threading.get_native_id() == os.getpid(), threading.main_thread() is threading.current_thread()],
    "signals": [str(signal.getsignal(number)) for number in range(1, signal.NSIG)],
    "signal masks": [status[name] for name in ("SigBlk", "SigIgn", "SigCgt", "SigPnd", "Threads")],
    "confined": [status[name] for name in ("CapPrm", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")],
    "executable": [sys.executable, os.readlink("/proc/self/exe")],
    "folder": [os.getcwd(), sorted(os.listdir())],
    "umask": os.umask(0o22),
    "limits": open("/proc/self/limits").read(),
    "own": os.stat("/proc/self").st_uid == os.getuid(),
    "exception": repr(sys.exc_info()),
    "tracing": [sys.gettrace(), sys.getprofile(), sys.getrecursionlimit(), sys.warnoptions],
}))
"""


def dumped(run: Runner, *, arguments: tuple[str, ...] = ()) -> dict[str, object]:
    command = Command(
        (PYTHON, "-B", "./main.py"), "python", stdin=b"in\n", arguments=arguments, interpreter="python", seed=1
    )
    result = run.execute(Ask(command, limits(), {"main.py": (LOOK.encode(), 0o644)})).result
    assert (result.exit_code, result.stderr) == (0, b"")
    told: dict[str, object] = json.loads(result.stdout)
    return told


@pytest.fixture(params=WARM_MODES)
def started(request: pytest.FixtureRequest, runners: dict[str, Runner]) -> Runner:
    return runners[request.param]


@pytest.mark.parametrize("arguments", [(), ("one", "", "zwei\n", "\udcff")])
def test_a_program_sees_what_a_plain_start_shows(
    started: Runner, runners: dict[str, Runner], arguments: tuple[str, ...]
) -> None:
    assert dumped(started, arguments=arguments) == dumped(runners["cgroup"], arguments=arguments)


TRACEBACK = "def f():\n    raise ValueError('no')\nf()\n"


def test_a_traceback_is_the_programs_own(started: Runner, runners: dict[str, Runner]) -> None:
    plain, other = runners["cgroup"].python(TRACEBACK).result, started.python(TRACEBACK).result
    assert b"ValueError" in plain.stderr
    assert (plain.exit_code, plain.stderr) == (other.exit_code, other.stderr)


@pytest.mark.parametrize(
    "text",
    [
        "import os; os.abort()",
        "import os; os.kill(os.getpid(), 9)",
        "import signal; signal.raise_signal(15)",
        "import ctypes; ctypes.string_at(0)",
        "import sys; sys.exit(7)",
        "import os; os._exit(3)",
        "import sys; sys.exit('said')",
        "def f(): f()\nf()",
        "this is no Python",
        "\x00",
    ],
)
def test_it_ends_as_a_plain_start_does(started: Runner, runners: dict[str, Runner], text: str) -> None:
    plain, other = (run.python(text).result for run in (runners["cgroup"], started))
    assert (plain.cause, plain.exit_code, plain.exit_signal, plain.stderr) == (
        other.cause,
        other.exit_code,
        other.exit_signal,
        other.stderr,
    )


MANY = """
import multiprocessing, os, subprocess, sys, threading
def square(n): return n * n
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool: print(pool.map(square, range(4)))
    with multiprocessing.get_context("spawn").Pool(1) as pool: print(pool.map(square, range(3)))
    print(subprocess.run([sys.executable, "-c", "print(input())"], input="sub", capture_output=True, text=True).stdout)
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(threading.get_native_id())) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print(len(seen))
    lock = threading.RLock()
    with lock, lock: print("locked")
"""


def test_threads_and_processes_work(started: Runner) -> None:
    assert started.says(MANY, processes=32) == "[0, 1, 4, 9]\n[0, 1, 4]\nsub\n\n4\nlocked\n"


def test_each_has_its_own_seed(started: Runner) -> None:
    text = "print(hash('a'), __import__('os').environ['PYTHONHASHSEED'])"
    first, second = (started.python(text).result for _ in range(2))
    assert first.stdout != second.stdout
    assert first.stdout.split()[1] == str(first.hash_seed).encode()


STACK = """
import ctypes
library, attributes, size = ctypes.CDLL(None), (ctypes.c_char * 64)(), ctypes.c_size_t()
library.pthread_getattr_default_np(attributes)
library.pthread_attr_getstacksize(attributes, ctypes.byref(size))
print(size.value)
"""


def test_threads_have_stacks_as_large_as_in_a_plain_start(started: Runner, runners: dict[str, Runner]) -> None:
    assert int(started.says(STACK)) >= int(runners["cgroup"].says(STACK)) > 64 << 20


def test_nothing_of_one_run_is_seen_by_the_next(started: Runner) -> None:
    leave = "import builtins, sys; builtins.left = sys.left = 1; open('/tmp/left', 'w'); open('/dev/shm/left', 'w')"
    assert started.says(leave) == ""
    look = "import builtins, os, sys; print(hasattr(builtins, 'left'), hasattr(sys, 'left'), os.listdir('/tmp'))"
    assert started.says(look) == "False False []\n"


@pytest.mark.parametrize(("part", "fits"), [(0.9, True), (1.1, False)])
def test_memory_agrees_with_a_plain_start(started: Runner, runners: dict[str, Runner], part: float, fits: bool) -> None:
    limit = 128 << 20
    text = f"x = bytearray({int(part * limit)} - (12 << 20)); print(len(x) > 0)"
    plain, other = (run.python(text, memory_bytes=limit).result for run in (runners["cgroup"], started))
    assert plain.cause is other.cause
    assert (plain.exit_code == 0) is fits
    assert plain.memory_bytes is not None
    assert other.memory_bytes is not None
    assert abs(plain.memory_bytes - other.memory_bytes) < 8 << 20
