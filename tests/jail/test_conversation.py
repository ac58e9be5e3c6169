"""Two programs in jails that talk: what passes, who ended first, whose time it is."""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import Cause, Command, RunAborted, Said, Sandbox, Speaker, conversation
from tests.jail.conftest import LOCAL_MODES, TIME_FACTOR, WARM_MODES
from tests.jail.conversing import PATIENT, Program, converse
from tests.jail.running import KIB, MIB, PYTHON, limits

GUESS = """
low, high = 1, 1000
while True:
    middle = (low + high) // 2
    print("?", middle, flush=True)
    match input():
        case "equal": break
        case "less": high = middle - 1
        case "more": low = middle + 1
"""
HOST = """
import sys
secret = 700
while True:
    line = sys.stdin.readline()
    if not line:
        sys.exit(43)
    number = int(line.split()[1])
    print("equal" if number == secret else "less" if number > secret else "more", flush=True)
    if number == secret:
        sys.exit(42)
"""
READS = "import sys; data = sys.stdin.read(); sys.exit(43 if data == '' else 42)"
SHORT = limits(cpu_time_ms=20_000, wall_time_ms=3000)


@pytest.fixture
def one(sandboxes: Mapping[str, Sandbox]) -> Sandbox:
    """The best way that this host offers, for what is the same in all."""
    return sandboxes[LOCAL_MODES[0]]


def test_they_talk(sandbox: Sandbox) -> None:
    found = converse(sandbox, GUESS, HOST)
    assert (found.program.exit_code, found.interactor.exit_code) == (0, 42), found
    assert found.said[:3] == (
        Said(Speaker.PROGRAM, b"? 500\n"),
        Said(Speaker.INTERACTOR, b"more\n"),
        Said(Speaker.PROGRAM, b"? 750\n"),
    )
    assert found.said[-1] == Said(Speaker.INTERACTOR, b"equal\n")
    assert (found.truncated, found.deadlock) == (False, False)
    assert found.program.stdout.startswith(b"? 500\n? 750\n")
    assert found.interactor.stdout.startswith(b"more\nless\n")


@pytest.mark.parametrize("mode", WARM_MODES[:1])
def test_the_program_may_be_in_a_jail_that_stood_ready(sandboxes: Mapping[str, Sandbox], mode: str) -> None:
    command = Command((PYTHON, "-B", "main.py"), "python", interpreter="python", seed=1)
    sandbox = sandboxes[mode]
    modes = {converse(sandbox, Program(GUESS, command), HOST).program.mode for _ in range(3)}
    assert "warm" in modes


def test_any_bytes_pass(one: Sandbox) -> None:
    echo = "import sys\nfor _ in range(256): sys.stdout.buffer.write(sys.stdin.buffer.read(1)); sys.stdout.flush()"
    asks = """
import sys
for number in range(256):
    sys.stdout.buffer.write(bytes([number])); sys.stdout.flush()
    if sys.stdin.buffer.read(1) != bytes([number]): sys.exit(43)
sys.exit(42)
"""
    assert converse(one, echo, asks).interactor.exit_code == 42


ENDS = {
    "the program fails first": ("raise SystemExit(3)", READS, Speaker.PROGRAM, 3, None),
    "the program is content first": ("pass", READS, Speaker.PROGRAM, 0, 43),
    "the interactor rejects first": ("input(); input()", "raise SystemExit(43)", Speaker.INTERACTOR, None, 43),
    "the interactor accepts first": ("import sys; sys.stdin.read()", "exit(42)", Speaker.INTERACTOR, 0, 42),
    "accepted, and fails then": ("import sys; sys.stdin.read(); exit(5)", "exit(42)", Speaker.INTERACTOR, 5, 42),
    "the interactor breaks first": ("input(); input()", "raise ValueError", Speaker.INTERACTOR, None, 1),
}


@pytest.mark.parametrize(("program", "interactor", "first", "own", "others"), ENDS.values(), ids=ENDS.keys())
def test_who_ended_first_is_known(
    one: Sandbox, program: str, interactor: str, first: Speaker, own: int | None, others: int | None
) -> None:
    found = converse(one, program, interactor)
    assert found.first is first
    if own is not None:
        assert found.program.exit_code == own
    if others is not None:
        assert found.interactor.exit_code == others


def test_what_follows_from_an_end_comes_second(one: Sandbox) -> None:
    """An interactor that ends the moment its input does."""
    assert {converse(one, "pass", READS).first for _ in range(8)} == {Speaker.PROGRAM}


TALKS_ON = "import sys\nfor _ in range(300): print('x' * 1000, flush=True)\nsys.exit({code})"


def test_an_interactor_survives_the_end_of_its_program(one: Sandbox) -> None:
    found = converse(one, "pass", TALKS_ON.format(code=43), others=limits(output_bytes=MIB))
    assert (found.first, found.interactor.exit_code, found.interactor.exit_signal) == (Speaker.PROGRAM, 43, None)


def test_a_program_survives_the_end_of_a_content_interactor(one: Sandbox) -> None:
    found = converse(one, TALKS_ON.format(code=0), "exit(42)", limits(output_bytes=MIB))
    assert (found.program.exit_code, found.program.exit_signal, found.interactor.exit_code) == (0, None, 42)


def test_an_interactor_s_closed_stdout_is_the_end_of_its_program_s_input(one: Sandbox) -> None:
    interactor = "import os, sys; print('abc', flush=True); os.close(1); sys.exit(42 if input() == '3' else 43)"
    found = converse(one, "import sys; print(len(sys.stdin.read().strip()))", interactor)
    assert (found.program.exit_code, found.interactor.exit_code) == (0, 42)


CLOSES = "import os, time; os.close(1); time.sleep(0.3); os._exit(3)"


def test_a_program_that_closes_its_stdout_has_not_ended(one: Sandbox) -> None:
    """The interactor would reject, and be first, if it heard of it."""
    found = converse(one, CLOSES, READS)
    assert (found.first, found.program.exit_code) == (Speaker.PROGRAM, 3)


def test_nor_when_it_then_does_nothing(one: Sandbox) -> None:
    found = converse(one, "import os, time; os.close(1); time.sleep(30)", READS, SHORT)
    assert (found.first, found.program.cause) == (Speaker.PROGRAM, Cause.WALL)


def test_stdin_can_be_opened_again(one: Sandbox) -> None:
    program = "print(open('/dev/stdin').readline().strip(), flush=True)"
    interactor = "print('abc', flush=True); exit(42 if open('/dev/stdin').readline() == 'abc\\n' else 43)"
    assert converse(one, program, interactor).interactor.exit_code == 42


WAITS = "input()"
SLEEPS = "import time; time.sleep(30)"
FLOODS = "import sys; sys.stdout.write('x' * 900_000); sys.stdout.flush()"
LOTS = limits(output_bytes=2 * MIB)
HANGS = {
    "both read": (WAITS, WAITS, True),
    "both write": (FLOODS, FLOODS, True),
    "the program sleeps": (SLEEPS, WAITS, False),
    "the program works": ("while True: pass", WAITS, False),
}


@pytest.mark.parametrize(("program", "interactor", "deadlock"), HANGS.values(), ids=HANGS.keys())
def test_a_deadlock_is_told_from_a_slow_program(
    sandbox: Sandbox, program: str, interactor: str, *, deadlock: bool
) -> None:
    wall_ms = 5000 if deadlock else 1500  # both must be up before they can wait for each other
    found = converse(sandbox, program, interactor, replace(LOTS, wall_time_ms=wall_ms), LOTS)
    assert (found.program.cause, found.first, found.deadlock) == (Cause.WALL, Speaker.PROGRAM, deadlock)


def test_a_deadlock_is_not_forgotten_when_it_is_ended(one: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the killed take to die: who is dead waits for nobody."""
    monkeypatch.setattr(conversation, "LOOK_S", 0.0001)
    found = converse(one, WAITS, WAITS, replace(LOTS, wall_time_ms=5000), LOTS)
    assert (found.program.cause, found.first, found.deadlock) == (Cause.WALL, Speaker.PROGRAM, True)


def test_the_interactor_s_time_is_not_the_program_s(sandbox: Sandbox) -> None:
    asks = "for _ in range(3): print('?', flush=True); input()"
    pause = f"time.sleep({1.5 * TIME_FACTOR})"
    thinks = f"import time\nfor _ in range(3): input(); {pause}; print('!', flush=True)\nexit(42)"
    found = converse(sandbox, asks, thinks, SHORT)
    assert (found.program.cause, found.program.exit_code, found.interactor.exit_code) == (Cause.EXIT, 0, 42)
    assert found.program.wall_time_us <= 3_000_000


def test_nor_is_what_it_says_by_itself(one: Sandbox) -> None:
    listens = "for _ in range(15): input()"
    tells = f"import time\nfor _ in range(15): time.sleep({0.3 * TIME_FACTOR}); print('!', flush=True)\nexit(42)"
    assert converse(one, listens, tells, SHORT).program.cause is Cause.EXIT


def test_a_program_that_keeps_talking_is_not_waited_for(one: Sandbox) -> None:
    talks = "import time\nwhile True: print('?', flush=True); time.sleep(0.02)"
    found = converse(one, talks, "import sys\nfor line in sys.stdin: pass", SHORT)
    assert (found.program.cause, found.deadlock) == (Cause.WALL, False)


def test_an_interactor_has_limits_of_its_own(one: Sandbox) -> None:
    found = converse(one, WAITS, SLEEPS, SHORT, limits(wall_time_ms=3500))
    assert (found.first, found.interactor.cause) == (Speaker.INTERACTOR, Cause.WALL)
    assert found.program.cause is not Cause.WALL


def test_floods_end(sandbox: Sandbox) -> None:
    flood = "while True: print('x' * 1000)"
    swallow = "import sys\nfor line in sys.stdin: pass\nexit(42)"
    own = converse(sandbox, flood, swallow, limits(output_bytes=64 * KIB))
    assert (own.first, own.program.cause, len(own.program.stdout)) == (Speaker.PROGRAM, Cause.STDOUT, 64 * KIB)
    others = converse(sandbox, swallow, flood, others=limits(output_bytes=64 * KIB))
    assert (others.first, others.interactor.cause) == (Speaker.INTERACTOR, Cause.STDOUT)
    assert own.truncated


def test_nothing_of_the_other_is_in_sight(sandbox: Sandbox) -> None:
    """Neither its files nor its processes, and no signal reaches it."""
    looks = """
import os, signal
for number in range(1, 65_000):
    if number != os.getpid():
        try: os.kill(number, signal.SIGKILL)
        except OSError: pass
roots = ('/box', '/tmp', '/dev/shm', '/proc/self/cwd')
found = [path for root in roots for path, _, names in os.walk(root) if 'secret' in names]
others = [name for name in os.listdir('/proc') if name.isdigit() and int(name) not in (1, os.getpid())]
print(found, others, flush=True)
input()
"""
    sees = "line = input(); print('go', flush=True); open('seen', 'w').write(line); exit(42 if line == '[] []' else 43)"
    found = converse(sandbox, looks, Program(sees, files={"secret": (b"700", 0o644)}, good=(42,)))
    assert (found.interactor.exit_code, found.program.exit_code) == (42, 0), found


def test_a_program_cannot_take_what_the_interactor_needs(one: Sandbox) -> None:
    """Processes, memory and pipes are of each its own."""
    hogs = """
import os, fcntl
for descriptor in (0, 1):
    try: fcntl.fcntl(descriptor, 1031, 1 << 20)
    except OSError: pass
held = [os.pipe() for _ in range(200)]
children = []
try:
    while len(children) < 64:
        child = os.fork()
        if not child:
            os.pause() if hasattr(os, 'pause') else __import__('signal').pause()
        children.append(child)
except OSError: pass
print('full', flush=True)
input()
"""
    works = """
import os
input()
for _ in range(20):
    child = os.fork()
    if not child: os._exit(0)
    os.waitpid(child, 0)
block = bytearray(64 << 20)
print('done', flush=True)
exit(42)
"""
    found = converse(one, hogs, works, limits(processes=30))
    assert (found.interactor.exit_code, found.program.exit_code) == (42, 0), found


def test_a_hundred_thousand_questions(one: Sandbox, programs: Mapping[str, Path]) -> None:
    ping = {"ping": (programs["ping"].read_bytes(), 0o755)}
    asks, answers = (
        Program(command=Command(("./ping", "100000", which), "strict"), files=ping, good=(good,))
        for which, good in (("first", 0), ("second", 42))
    )
    much = limits(cpu_time_ms=20_000, wall_time_ms=120_000, output_bytes=MIB)  # that they pass, not how fast
    found = converse(one, asks, answers, much, much)
    assert (found.program.exit_code, found.interactor.exit_code) == (0, 42)
    assert found.truncated


def test_nobody_wants_it_any_more(sandbox: Sandbox) -> None:
    event = os.eventfd(0, os.EFD_CLOEXEC)
    timer = threading.Timer(0.3, os.eventfd_write, (event, 1))
    timer.start()
    with pytest.raises(RunAborted):
        converse(sandbox, SLEEPS, SLEEPS, PATIENT, cancel=event)
    timer.join()
    os.close(event)


def test_the_process_is_told_to_end(abortable: tuple[Sandbox, Callable[[], None]]) -> None:
    sandbox, abort = abortable
    timer = threading.Timer(0.3, abort)
    timer.start()
    with pytest.raises(RunAborted):
        converse(sandbox, WAITS, WAITS)
    timer.join()


def test_an_interactor_that_cannot_be_started_ends_the_program(one: Sandbox) -> None:
    missing = Program(command=Command(("./missing",), "strict"), good=(42,))
    found = converse(one, WAITS, missing)
    assert (found.first, found.interactor.exit_code) == (Speaker.INTERACTOR, 127)
