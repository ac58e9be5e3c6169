"""The process manager: one supervisord in the foreground, tied to this process, commanded through a unix socket."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from supervisor.xmlrpc import SupervisorTransport

from standalone import secret, tied
from standalone.programs import Program, configuration

SOCKET_PATH_MAX = 90
"""A unix socket's path may have 107 bytes; supervisor adds its pid to it for a moment."""
START_S = 60
STOP_S = 90
ASK_S = 0.05
FAILED = ("FATAL", "EXITED", "UNKNOWN")


class ProgramError(Exception):
    """A program does not run; the message carries the end of its log."""


class Supervisor:
    """supervisord and its programs, with state and logs in one folder. None of the programs starts by itself.

    If this process is killed, the kernel tells supervisord to stop everything in order; if that is killed too, the
    kernel tells each program.
    """

    def __init__(self, folder: Path, programs: Sequence[Program]) -> None:
        self.folder = folder
        self._programs = {program.name: program for program in programs}
        self._socket = _socket(folder)
        self._process: subprocess.Popen[bytes] | None = None
        # In memory: where it cannot write to its log, the disk being full, it says so there, and would end if it could
        # not do that either.
        self._errors = os.memfd_create("supervisord-errors")

    def __del__(self) -> None:
        """Forget what it said."""
        os.close(self._errors)

    def start(self, environ: Mapping[str, str], held: int) -> None:
        """Start supervisord. It keeps the descriptor `held` (a lock) open for as long as anything of it runs."""
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        path = self.folder / "supervisor.conf"
        socket = os.path.relpath(self._socket, self.folder)
        secret.write(
            path,
            configuration(list(self._programs.values()), socket=socket, root=os.geteuid() == 0),
        )
        argv = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(path)]
        # supervisor closes inherited descriptors, but for the first few: the lock goes in as standard input.
        self._process = subprocess.Popen(
            tied.argv(argv, on_death=signal.SIGTERM),
            cwd=self.folder,
            env=dict(environ),
            stdin=held,
            stdout=subprocess.DEVNULL,  # the same lines as in its log
            stderr=self._errors,
            start_new_session=True,
        )
        self._wait_for_answers(time.monotonic() + START_S)

    def run(self, name: str) -> None:
        """Start one program, not waiting for it."""
        self._call("startProcess", self._programs[name].full_name, False)

    def halt(self, name: str) -> None:
        """Stop one program and wait until it has ended."""
        self._call("stopProcess", self._programs[name].full_name)

    def state(self, name: str) -> str:
        """Give supervisor's word for a program's state: STARTING, RUNNING, BACKOFF, FATAL, STOPPED, ..."""
        return str(self._info(name)["statename"])

    def pid(self, name: str) -> int:
        """Give the pid of a running program, 0 of one that is not."""
        return int(str(self._info(name)["pid"]))

    def check(self, name: str) -> bool:
        """Say that a program may still come up. Raises ProgramError when it was given up or ended."""
        if not self.alive():
            raise ProgramError(f"the process manager ended: {self.last_words('supervisord')}")
        state = self.state(name)
        if state in FAILED:
            raise ProgramError(f"{name} is {state}: {self.last_words(name)}")
        return True

    def last_words(self, name: str) -> str:
        """Give the end of a program's log."""
        log = self.folder / "logs" / f"{name}.log"
        words = log.read_text(errors="replace")[-3000:].strip() if log.exists() else ""
        if name == "supervisord":
            words += os.pread(self._errors, 3000, max(0, os.fstat(self._errors).st_size - 3000)).decode(
                errors="replace"
            )
        return f"{words or 'it said nothing'}\n(the whole log is {log})"

    def watch(self, done: Callable[[], bool], timeout_s: float) -> None:
        """Ask `done` until it says yes. Raises ProgramError after `timeout_s`, naming no program."""
        deadline = time.monotonic() + timeout_s
        while not done():
            if time.monotonic() > deadline:
                raise ProgramError(f"not done after {timeout_s:.0f} s: {self.last_words('supervisord')}")
            time.sleep(ASK_S)

    @property
    def process_id(self) -> int | None:
        """The pid of supervisord, None before its start and after its stop."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        """Say whether supervisord runs."""
        return self._process is not None and self._process.poll() is None

    def wait(self) -> int:
        """Wait until supervisord ends, and give its exit code."""
        return self._process.wait() if self._process else 0

    def stop(self) -> None:
        """Stop every program in the reverse order of their start, then supervisord."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        if self._socket.parent != self.folder:
            self._socket.unlink(missing_ok=True)
            self._socket.parent.rmdir()

    def _wait_for_answers(self, deadline: float) -> None:
        while not self._answers():
            if not self.alive() or time.monotonic() > deadline:
                words = self.last_words("supervisord")
                self.stop()
                raise ProgramError(f"the process manager does not answer: {words}")
            time.sleep(ASK_S)

    def _answers(self) -> bool:
        try:
            self._call("getState")
        except OSError:  # the socket is not there yet, or nobody listens on it
            return False
        return True

    def _info(self, name: str) -> Mapping[str, object]:
        info = self._call("getProcessInfo", self._programs[name].full_name)
        if not isinstance(info, dict):
            raise ProgramError(f"the process manager said {info!r} of {name}")
        return info

    def _call(self, method: str, *arguments: str | bool) -> object:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            answer: object = getattr(proxy.supervisor, method)(*arguments)
            return answer


def _socket(folder: Path) -> Path:
    path = folder / "supervisor.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_MAX:
        path = Path(tempfile.mkdtemp(prefix="shipd-")) / "supervisor.sock"
    return path
