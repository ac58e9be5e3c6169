import errno
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from sandbox import Cause, Command
from tests.jail.running import PYTHON, Ask, Runner, limits


def test_it_works(run: Runner) -> None:
    result = run.python("print(6 * 7)").result
    assert (result.cause, result.exit_code, result.exit_signal) == (Cause.EXIT, 0, None)
    assert (result.stdout, result.stderr) == (b"42\n", b"")
    assert 0 < result.cpu_time_us < 10_000_000
    assert result.wall_time_us > 0
    assert result.source == ("cgroup" if run.counted else "sampled")


@pytest.mark.parametrize("code", [0, 1, 127, 128, 134, 137, 139, 159, 255])
def test_an_exit_code_is_never_taken_for_a_signal(run: Runner, code: int) -> None:
    result = run.program("end", "exit", code)
    assert (result.cause, result.exit_code, result.exit_signal) == (Cause.EXIT, code, None)
    assert result.exec_errno == 0


SIGNALS = [
    *(("raise", str(number)) for number in (1, 2, 3, 6, 8, 9, 11, 13, 14, 15, 24, 31, 34, 64)),
    *(("kill", str(number)) for number in (9, 15)),
    *(("crash", how) for how in ("null", "divide", "illegal")),
    *((how,) for how in ("abort", "write-to-nobody", "alarm", "own-file-limit")),
]


def ended_bare(argv: Sequence[str | Path]) -> int:
    """Run it outside of jails, whatever signals those ignore who started us; gives what ended it."""
    every = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    pid = os.posix_spawn(argv[0], tuple(argv), {}, setsigdef=every, setsigmask=())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("argv", SIGNALS, ids="-".join)
def test_a_signal_is_the_same_as_in_a_bare_run(
    run: Runner, programs: Mapping[str, Path], argv: tuple[str, ...]
) -> None:
    bare = ended_bare([programs["end"], *argv])
    result = run.program("end", *argv)
    assert bare < 0
    assert (result.exit_code, result.exit_signal) == (None, -bare)
    assert result.cause is (Cause.FILE if -bare == signal.SIGXFSZ else Cause.SIGNAL)


@pytest.mark.parametrize("how", ["exit", "9", "11", "31"])
def test_a_sibling_cannot_forge_an_end(run: Runner, how: str) -> None:
    result = run.program("end", "sibling", how)
    assert (result.cause, result.exit_code) == (Cause.EXIT, 3)


def test_an_orphan_that_holds_stdout_does_not_hold_up_the_end(run: Runner) -> None:
    result = run.program("end", "orphan")
    assert (result.cause, result.exit_code, result.stdout) == (Cause.EXIT, 0, b"done\n")


def test_orphans_do_not_hide_the_end(run: Runner) -> None:
    result = run.program("end", "orphans", processes=128)
    assert (result.cause, result.exit_code) == (Cause.EXIT, 5)


@pytest.mark.parametrize(("what", "code"), [("thread-exit", 7), ("thread-exec", 1)])
def test_a_program_ends_with_its_last_thread(run: Runner, what: str, code: int) -> None:
    result = run.program("end", what)
    assert (result.cause, result.exit_code) == (Cause.EXIT, code)


@pytest.mark.parametrize(
    ("name", "content", "mode", "number"),
    [
        ("./missing", b"", 0o755, errno.ENOENT),
        ("./here", b"#!/bin/true\n", 0o644, errno.EACCES),
        ("./here", b"no program at all\n", 0o755, errno.ENOEXEC),
        ("./here", b"#!/no/interpreter\n", 0o755, errno.ENOENT),
        ("/etc", b"", 0o755, errno.EACCES),
        ("main.py/x", b"", 0o755, errno.ENOENT),
    ],
)
def test_it_says_why_a_program_cannot_be_started(
    run: Runner, name: str, content: bytes, mode: int, number: int
) -> None:
    ask = Ask(Command((name,), "strict"), limits(), {"here": (content, mode)})
    result = run.execute(ask).result
    assert (result.exec_errno, result.exit_code, result.cause) == (number, 127, Cause.EXIT)


def test_arguments_arrive_as_they_are(run: Runner) -> None:
    hard = ["", " ", "a b", "$(id)", "`id`", "'", '"', "\\", "a\nb", "-rf", "--", "ü", "\udcff", "*"]
    text = "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    ask = Ask(Command((PYTHON, "-c", text, *hard), "python"), limits())
    assert run.execute(ask).result.stdout == b"\0".join(a.encode(errors="surrogateescape") for a in hard)
