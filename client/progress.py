"""How far a batch is, drawn on a terminal: on stderr, and nothing at all where that is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def bar(total: int, title: str = "graded", *, console: Console | None = None) -> Iterator[Callable[[int], None]]:
    """Give what is to be told how many more are over, for `run_batch`."""
    where = console or Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=where, disable=not where.is_terminal) as drawn:
        task = drawn.add_task(title, total=total)
        yield lambda more: drawn.advance(task, more)
