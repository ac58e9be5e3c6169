"""Run a program that ends when whoever started it ends: `python -m standalone.tied [--parent PID] SIGNAL -- ARGV`.

The kernel sends SIGNAL to the program when its parent dies, even of SIGKILL (PR_SET_PDEATHSIG, kept across execve).
The kernel counts the parent *thread*: start programs from one that lives as long as they should.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
OWN_PID = "SHIPD_TIED_PID"
"""Tells a program its own pid in the environment, for what it starts from a file written before it ran."""


def argv(program: Sequence[str], *, on_death: signal.Signals, parent: str = "") -> list[str]:
    """Give the argument list that runs `program` tied to `parent` (a pid; empty: the pid of this process)."""
    return [
        sys.executable,
        "-m",
        "standalone.tied",
        "--parent",
        parent or str(os.getpid()),
        on_death.name,
        "--",
        *program,
    ]


def tie(on_death: signal.Signals, parent: int) -> None:
    """Ask the kernel to send `on_death` to this process when `parent` dies. Raises ProcessLookupError if it has."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(on_death), 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl(PR_SET_PDEATHSIG): {os.strerror(error)}")
    # Whoever started us may have died before the request was made; then no signal will ever come.
    if os.getppid() != parent:
        raise ProcessLookupError(f"the process {parent} that started this one is gone")


def main(arguments: Sequence[str]) -> None:
    """Tie this process to its parent, then become the program."""
    parent = os.getppid()
    if arguments[:1] == ["--parent"]:
        parent, arguments = int(arguments[1]), arguments[2:]
    name, separator, *program = arguments
    if separator != "--" or not program:
        raise SystemExit("usage: python -m standalone.tied [--parent PID] SIGNAL -- ARGV...")
    tie(signal.Signals[name], parent)
    os.environ[OWN_PID] = str(os.getpid())
    os.execvp(program[0], program)  # noqa: S606 - an argument list, and no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
