import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from standalone import tied

PARENT = """
import os, signal, subprocess, sys
from standalone import tied
child = subprocess.Popen(tied.argv([sys.executable, "-c", sys.argv[1]], on_death=signal.SIGTERM))
sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""
CHILD = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.write(1, b"up ")
signal.sigwait([signal.SIGTERM])
os.write(1, b"told")
"""


def test_a_program_is_told_when_its_parent_is_killed() -> None:
    reader, writer = os.pipe()
    with (
        os.fdopen(reader, "rb") as said,
        subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdin=subprocess.PIPE, stdout=writer) as parent,
    ):
        os.close(writer)
        assert said.read(3) == b"up "
        assert parent.stdin is not None
        parent.stdin.close()
        assert said.read() == b"told"  # the end comes when nobody holds the pipe any more
    assert parent.returncode == -signal.SIGKILL


def test_it_does_not_start_the_program_when_the_parent_is_gone() -> None:
    argv = tied.argv(["echo", "started"], on_death=signal.SIGTERM, parent="1")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "is gone" in done.stderr


def test_it_tells_the_program_its_own_pid() -> None:
    argv = tied.argv(["printenv", tied.OWN_PID], on_death=signal.SIGTERM)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as program:
        said, _ = program.communicate()
    assert int(said) == program.pid


@pytest.mark.parametrize("arguments", [["SIGTERM", "echo"], ["SIGTERM", "--"]])
def test_it_says_how_it_is_used(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="usage"):
        tied.main(arguments)


def test_a_parent_that_is_not_ours_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getppid", lambda: 1)
    before = Path("/proc/self/status").read_text()
    assert before
    with pytest.raises(ProcessLookupError):
        tied.tie(signal.Signals.SIGCONT, 2)
