"""The commands behind `make`: `python -m standalone up|demo|stop`."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from standalone import delegation, demo, examples, lock
from standalone.preflight import STATE
from standalone.programs import TREE
from standalone.servers import ServerError
from standalone.stack import Stack
from standalone.supervisor import ProgramError

STOP_S = 120
ASK_S = 0.1
WIDTH = 120
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Asked(BaseException):
    """Somebody asked this process to end; no error, so nothing that handles errors may hold it up."""


def _ask(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    for each in SIGNALS:  # once is enough: what follows is the stopping, which must not be broken off
        signal.signal(each, signal.SIG_IGN)
    raise Asked(signal.Signals(number).name)


def up(console: Console) -> int:
    """Start everything, grade the examples, and stay until asked to end."""
    with _stack(console) as stack:
        _show(console, stack)
        console.print("\nIt stays up until Ctrl-C.")
        code = stack.wait()
        console.print(f"the process manager ended with exit code {code}")
    return 1


def run_demo(console: Console) -> int:
    """Start everything, grade the examples and stop: 0 only if every example got the verdict it should."""
    with _stack(console) as stack:
        all_right = _show(console, stack)
    return 0 if all_right else 1


def stop(console: Console) -> int:
    """End the platform that is up in this clone, and wait until it is gone."""
    owner = lock.owner(STATE / "lock")
    if owner is None:
        console.print("nothing is up in this clone")
        return 0
    if Path(f"/proc/{owner}").exists():
        os.kill(owner, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while lock.owner(STATE / "lock") is not None:
        if time.monotonic() > deadline:
            console.print(f"process {owner} did not end within {STOP_S} s")
            return 1
        time.sleep(ASK_S)
    return 0


def _stack(console: Console) -> Stack:
    if not delegation.may_make_cgroups() and "SHIPD_CGROUPS" not in os.environ:
        console.print(
            "not root, and no cgroup v2 subtree is delegated to this user: jails run with SHIPD_CGROUPS=none,\n"
            "their CPU time and memory sampled every 5 ms (usage says so)"
        )
    port = os.environ.get("SHIPD_PORT")
    began = time.monotonic()
    return Stack(
        STATE,
        port=int(port) if port else None,
        report=lambda step: console.print(f"[dim]{time.monotonic() - began:5.1f} s[/]  {step}"),
    )


def _show(console: Console, stack: Stack) -> bool:
    right = _grade(console, stack)
    user, _, password = stack.environ["FLOWER_BASIC_AUTH"].partition(":")
    for line in (
        f"API     {stack.url}",
        f"docs    {stack.url}/docs",
        f"Flower  {stack.flower_url}  (user {user}, password {password})",
        f"URL and key for clients: {stack.folder / 'shipd.env'}",
        f"logs:                    {stack.folder / 'logs'}",
    ):
        console.print(escape(line), highlight=False, soft_wrap=True)
    return right


def _grade(console: Console, stack: Stack) -> bool:
    known, missing = examples.load(TREE / "examples"), demo.unavailable(stack.client)
    with Progress(console=console, transient=True) as progress:
        grades = list(
            progress.track(
                demo.grade(stack.client, known, missing), total=len(known), description="grading the examples"
            )
        )
    console.print(demo.table(grades))
    for remark in demo.remarks(grades, missing):
        console.print(f"[yellow]{escape(remark)}[/]", highlight=False, soft_wrap=True)
    right = sum(grade.as_expected for grade in grades)
    console.print(f"{right} of {len(grades)} examples got the verdict they should\n")
    return right == len(grades)


COMMANDS: dict[str, Callable[[Console], int]] = {"up": up, "demo": run_demo, "stop": stop}


def main(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        raise SystemExit(f"usage: python -m standalone {'|'.join(COMMANDS)}")
    # A pipe has no width; the table needs this much.
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    for each in SIGNALS:
        signal.signal(each, _ask)
    try:
        return COMMANDS[arguments[0]](console)
    except Asked:
        console.print("stopped")
        return 0 if arguments[0] == "up" else 130
    except (ServerError, ProgramError, lock.AlreadyRunning, ValueError) as error:
        console.print(f"[red]shipd:[/] {escape(str(error))}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
