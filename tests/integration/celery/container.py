"""What pytest-celery takes for a Docker container: a real process of this machine, with a log and a way to kill it."""

import contextlib
import os
import signal as signals
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
from pytest_celery import CeleryTestContainer

from standalone import tied

START_S = 90
STOP_S = 60
ASK_S = 0.02


class ProcessContainer(CeleryTestContainer):  # type: ignore[misc] # pytest-celery has no types
    """A program that pytest-celery's nodes start, kill and restart. It ends with the tests, however they end."""

    def __init__(
        self, name: str, argv: Sequence[str], log: Path, answers: Callable[["ProcessContainer"], bool], **config: object
    ) -> None:
        super().__init__(None)
        self.argv = tied.argv(argv, on_death=signals.SIGKILL)
        self.log = log
        self.answers = answers
        self.config = config
        self.environ: Mapping[str, str] = os.environ
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def id(self) -> str:
        return f"{self._name}-{self.pid}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def status(self) -> str:
        return "running" if self._process is not None and self._process.poll() is None else "exited"

    @property
    def celeryconfig(self) -> dict[str, object]:
        return dict(self.config)

    def start(self) -> None:
        self._log_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(self.environ)
            )

    def logs(self) -> str:
        """What it said since it was started last."""
        return self.log.read_bytes()[self._log_from :].decode(errors="replace") if self.log.exists() else ""

    def ready(self) -> bool:
        deadline = time.monotonic() + START_S
        while not self.answers(self):
            assert self.status == "running", f"{self.name} ended: {self.logs()[-3000:]}"
            assert time.monotonic() < deadline, f"{self.name} does not answer: {self.logs()[-3000:]}"
            time.sleep(ASK_S)
        return True

    def children(self) -> list[psutil.Process]:
        """Every process below it: the pool, its jails, the programs in them."""
        return psutil.Process(self.pid).children(recursive=True)

    def kill(self, signal: str | int = "SIGKILL") -> None:
        assert self._process is not None
        number = signals.Signals[signal] if isinstance(signal, str) else signals.Signals(signal)
        self._process.send_signal(number)
        if number == signals.SIGKILL:
            self._process.wait()

    def kill_all(self) -> None:
        """Kill it and every process below it, as a power cut would."""
        below = self.children()
        self.kill()
        for process in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def wait(self, timeout: int = STOP_S) -> int:
        """Wait until it has ended, and give its exit code."""
        assert self._process is not None
        return self._process.wait(timeout)

    def restart(self, timeout: int = STOP_S) -> None:
        self._end(timeout)
        self.start()
        self.ready()

    def reload(self) -> None:
        """Nothing is cached here."""

    def teardown(self) -> None:
        self._end(STOP_S)

    def _end(self, timeout: int) -> None:
        if self.status == "running":
            self.kill("SIGTERM")
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
