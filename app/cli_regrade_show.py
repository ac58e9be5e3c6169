"""Regrades on a terminal: what one would be, how far it is, what it changes."""

import csv
import sys
import time
from collections.abc import Callable, Iterable, Mapping

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from app.cli_parts import print_table, printable
from domain.regrade import Regrade, RegradeState
from domain.regrade_diff import Graded, Item, Move
from domain.regrade_start import Estimate

ASK_S = 0.5
"""How often the database is asked how far it is."""
COLUMNS = (
    *("submission_id", "problem_id", "user_id", "language", "old_verdict", "old_reason", "old_points"),
    *("new_verdict", "new_reason", "new_points", "time_ratio", "changed"),
)
FAILED = "JE"


def print_estimate(found: Estimate) -> None:
    """Say what a regrade would be."""
    rows = [("submissions", found.total)]
    rows += [(f"  {verdict}", count) for verdict, count in sorted(found.verdicts.items())]
    rows += [(f"  {language}", count) for language, count in sorted(found.languages.items())]
    print_table("Dry run", ("what", "how many"), rows)
    cpu_s, wall_s = found.cpu_time_ms / 1000, found.wall_time_ms / 1000
    click.echo(
        f"They took {cpu_s:.1f} s of CPU time in {wall_s:.1f} s. With {found.at_once} at a time on {found.slots}"
    )
    click.echo(f"slots it takes about {spoken(found.expected_s)}, and longer while others send submissions.")


def print_regrade(found: Regrade, moves: Iterable[Move]) -> None:
    """Say how far a regrade is, and what changed so far."""
    click.echo(f"{found.id}  {found.state}  by {found.made_by}")
    click.echo(f"{found.done} of {found.total} done, {found.changed} changed, {found.failed} failed (JE or cancelled)")
    print_moves(moves)
    if found.state is RegradeState.READY:
        click.echo(f"Decide: shipd regrade diff {found.id}, then apply or discard it.")


def print_moves(moves: Iterable[Move]) -> None:
    """Print the table old -> new."""
    counts = {(move.old, move.new): move.count for move in moves}
    columns = sorted({new for _, new in counts})
    rows = [
        (old.value, *(counts.get((old, new), 0) or None for new in columns))
        for old in sorted({old for old, _ in counts})
    ]
    if rows:
        print_table("Old verdict (rows) -> new verdict", ("", *(new.value for new in columns)), rows)


def print_items(items: Iterable[Item]) -> None:
    """Print what changed, line by line."""
    rows = [
        (
            *(item.submission_id, item.problem_id, item.user_id, f"{_told(item.old)} -> {_told(item.new)}"),
            *(_points(item), item.time_ratio, "JE!" if _failed(item) else None),
        )
        for item in items
    ]
    columns = ("submission", "problem", "user", "verdict", "points", "time ratio", "")
    print_table("Changed", columns, rows)


def write_csv(items: Iterable[Item]) -> None:
    """Write a line for each, with the names of the columns before them."""
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_cells(item) for item in items)


def _cells(item: Item) -> Mapping[str, object]:
    return {
        "submission_id": item.submission_id,
        "problem_id": _cell(item.problem_id),
        "user_id": _cell(item.user_id),
        "language": _cell(item.language),
        **_graded("old", item.old),
        **_graded("new", item.new),
        "time_ratio": item.time_ratio,
        "changed": item.changed,
    }


def _cell(text: str | None) -> str | None:
    """Keep a spreadsheet from taking what people wrote for a formula."""
    return f"'{text}" if text and text[0] in "=+-@\t\r" else text


def _graded(which: str, graded: Graded | None) -> Mapping[str, object]:
    names = ("verdict", "reason", "points")
    return {f"{which}_{name}": None if graded is None else getattr(graded, name) for name in names}


def _failed(item: Item) -> bool:
    return item.new is not None and item.new.verdict == FAILED


def _told(graded: Graded | None) -> str:
    if graded is None or graded.verdict is None:
        return "-"
    return graded.verdict.value if graded.reason is None else printable(f"{graded.verdict.value} {graded.reason}")


def _points(item: Item) -> str | None:
    old, new = item.old.points, item.new.points if item.new is not None else None
    return None if old is None and new is None else f"{old} -> {new}"


def spoken(seconds: float) -> str:
    """Say how long something takes."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def follow(read: Callable[[], Regrade], console: Console) -> Regrade:
    """Show how far it is until it stands: ready, paused or over. Raises KeyboardInterrupt."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}, {task.fields[changed]} changed, {task.fields[failed]} failed, left:"),
        TimeRemainingColumn(),
    )
    found, began = read(), time.monotonic()
    before = found.done
    with Progress(*columns, console=console, transient=False) as bar:
        task = bar.add_task("regrading", total=found.total, completed=before, rate="-", changed=0, failed=0)
        _show(bar, task, found, 0.0)
        while found.state is RegradeState.RUNNING:
            time.sleep(ASK_S)
            found = read()
            _show(bar, task, found, (found.done - before) / (time.monotonic() - began))
    return found


def _show(bar: Progress, task: TaskID, found: Regrade, per_s: float) -> None:
    bar.update(
        task,
        completed=found.done,
        description=found.state.value,
        rate=f"{per_s:.1f}/s",
        changed=found.changed,
        failed=found.failed,
    )
