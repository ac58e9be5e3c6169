"""A part of the benchmark in a process of its own, so that a control group holds it alone and nothing else.

    parent: Child("benchmarks.lane", arguments, group).ask("run") -> whatever the other side answers, as JSON
    child:  serve(lambda word: ...)

The child ends when its standard input does, in order; if the parent is killed, the kernel tells it (`standalone.tied`).
"""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import click

from benchmarks.groups import Group
from benchmarks.host import end_in_order
from standalone import tied

ANSWER_S = 600.0
STOP_S = 180.0


class Child:
    """One process that answers a word with a value."""

    def __init__(
        self, module: str, arguments: Sequence[str], group: Group, environ: Mapping[str, str] | None = None
    ) -> None:
        self.name = " ".join((module, *arguments))
        # A session of its own: Ctrl-C is answered by the parent, which ends its children in order.
        self.process = subprocess.Popen(
            tied.argv([sys.executable, "-m", module, *arguments], on_death=signal.SIGTERM),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=dict(environ or os.environ),
            bufsize=0,
        )
        # It starts nothing before it is asked to, so that all it starts is in the group.
        group.add(self.process.pid)

    def ask(self, word: str, timeout_s: float = ANSWER_S) -> Any:
        """Say a word and give the answer. Raises ClickException where none comes."""
        assert self.process.stdin is not None  # noqa: S101 - pipes, both
        assert self.process.stdout is not None  # noqa: S101
        try:
            self.process.stdin.write(word.encode() + b"\n")
        except BrokenPipeError as error:
            raise click.ClickException(f"{self.name} ended with {self.process.wait()}") from error
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            if not waiting.select(timeout_s):
                raise click.ClickException(f"{self.name} did not answer {word!r} within {timeout_s:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise click.ClickException(f"{self.name} ended with {self.process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """End it in order; by SIGKILL where that takes too long."""
        assert self.process.stdin is not None  # noqa: S101
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.close()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def serve(answer: Callable[[str], object]) -> None:
    """Answer every line of standard input with one of standard output, until it ends."""
    end_in_order()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(line.strip())) + "\n")
        sys.stdout.flush()
