"""What the measurements share: a sandbox of their own, programs to run in it, progress on stderr."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

from rich.console import Console
from rich.progress import track

from sandbox import PoolConfig, Sandbox, SandboxConfig

TREE = Path(__file__).absolute().parent.parent
Item = TypeVar("Item")


def end_in_order() -> None:
    """Make the signals that ask this process to end do what Ctrl-C does: everything that was started is stopped."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Give a temporary folder, named after this process: if it is killed, `leftovers` knows whose it was."""
    return tempfile.TemporaryDirectory(prefix=f"shipd-bench-{os.getpid()}-")


@contextmanager
def own_sandbox(state: Path, name: str = "", pool: PoolConfig | None = None) -> Iterator[Sandbox]:
    """Make a sandbox of an instance that nobody else has; its control groups are gone afterwards.

    `state` is the folder of the built init. The slots' locks lie beside it, so that a platform in the same folder and
    this do not run timed jails on one CPU at a time.
    """
    sandbox = Sandbox(SandboxConfig(f"bench-{os.getpid()}{name}", state, TREE / "jail-configs", pool=pool))
    try:
        sandbox.start_pool()
        yield sandbox
    finally:
        sandbox.stop_pool()
        sandbox.forget()


def progress(items: Sequence[Item], description: str) -> Iterator[Item]:
    """Give the items, with a bar on stderr."""
    yield from track(items, description=description, console=Console(stderr=True))


def built(argv: Sequence[str], source: str, suffix: str) -> bytes:
    """Compile one file with `argv -o TARGET SOURCE` and give the program. Raises CalledProcessError."""
    with scratch() as folder:
        path, target = Path(folder) / f"main{suffix}", Path(folder) / "a.out"
        path.write_text(source)
        subprocess.run([*argv, "-o", target, path], check=True)
        return target.read_bytes()
