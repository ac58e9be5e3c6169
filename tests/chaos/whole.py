"""One whole run: a file system, a receiver, a platform, load and faults, the proof, and an end that leaves nothing."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from standalone.programs import TREE
from tests.chaos import disk, leftovers, report
from tests.chaos.plan import Fault
from tests.chaos.platform import Times, running
from tests.chaos.run import Found, Run, Tell, is_root
from tests.integration.webhooks.receiving import receiving

DISK_MB = 2048
"""Of the file system of everything that the platform keeps."""
USUAL = Times()


def execute(
    home: Path,
    seed: int,
    submissions: int,
    faults: Sequence[Fault],
    *,
    console: Console,
    disk_mb: int = DISK_MB,
    times: Times = USUAL,
    jail_configs: Path = TREE / "jail-configs",
) -> tuple[Found, list[str]]:
    """Do one run in a folder below `home`, and give what was found and what is left; if that is not good logs stay."""
    home.mkdir(parents=True, exist_ok=True)
    disk.remove_left(home)
    folder = home / str(os.getpid())
    with ExitStack() as opened:
        place = opened.enter_context(disk.sized(folder, disk_mb << 20)) if is_root() else folder
        receiver = opened.enter_context(receiving(home / f"received-{os.getpid()}"))
        opened.callback(shutil.rmtree, home / f"received-{os.getpid()}", ignore_errors=True)
        settings = {
            "SHIPD_WEBHOOK_HTTP": "on",
            "SHIPD_WEBHOOK_PORTS": str(receiver.port),
            "SHIPD_WEBHOOK_ALLOW": "127.0.0.1/32",
            "SHIPD_JAIL_CONFIGS": str(jail_configs),
        }
        console.print("starting the platform", highlight=False)
        with running(place, times, settings) as platform:
            tell = opened.enter_context(_telling(console, submissions))
            found = Run(platform, receiver, tell).do(seed, submissions, faults)
            left = leftovers.of(platform)
        if not report.is_good(found, left):
            kept = home / f"logs-{seed}"
            shutil.copytree(place / "logs", kept, dirs_exist_ok=True)
            console.print(f"logs: {kept}", highlight=False, soft_wrap=True)
    return found, left


@contextmanager
def _telling(console: Console, count: int) -> Iterator[Tell]:
    """Show how far it is; where nobody looks at a terminal, by a line whenever something else happens."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    began = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=count)
        last = ""

        def tell(accepted: int, ended: int, happening: str) -> None:
            nonlocal last
            progress.update(bar, completed=ended, description=f"{happening}, {accepted} accepted")
            if happening != last and not console.is_terminal:
                seconds = time.monotonic() - began
                console.print(f"{seconds:5.0f} s: {accepted} accepted, {ended} ended: {happening}", highlight=False)
            last = happening

        yield tell
