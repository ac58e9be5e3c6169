"""`shipd audit`: who did what from where, and whether the chain of entries is whole."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli_exits import Exit
from app.cli_parts import as_json, database, print_json, print_table, told
from app.cli_regrade_selecting import Moment
from app.schemas.listing import entry_json
from domain import audit as entries
from domain import audit_chain, audit_check
from domain.audit_chain import START, Head, HeadGone, Link
from domain.audit_check import Broken, Checked, Fault
from domain.db import Database

EXPORTED = "audit_exported"
HEAD, LOG = "--head", "--log"


class HeadType(click.ParamType[Head]):
    """The end of a chain, as `shipd audit head` prints it."""

    name = "head"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Head:
        """Read it."""
        try:
            return Head.read(str(value))
        except ValueError:
            self.fail(f"{value!r} is not POSITION:HASH, as `shipd audit head` prints it", param, ctx)


@click.group()
def audit() -> None:
    """See who did what from where, and prove that nobody changed what was written.

    Entries are only ever added, and each has a hash that depends on all before it. Keep what `shipd audit head` prints
    elsewhere, and `shipd audit verify --head` tells whether the chain is still that one.
    """


@audit.command("list")
@click.option("--last", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many entries.")
@click.option("--event", metavar="EVENT", help="Of one kind only: key_created, execution_ended ...")
@click.option("--actor", metavar="ACTOR", help="Of one actor only, as it is listed.")
@click.option("--submission", "submission_id", type=click.UUID, help="About one submission only.")
@as_json
@told
def list_entries(last: int, event: str | None, actor: str | None, submission_id: UUID | None, *, as_json: bool) -> None:
    """Show what was done and by whom, what was graded, and what looked like an attack, newest first.

    An entry without a position is not chained yet; that takes seconds. Example: shipd audit list --event key_revoked
    """
    with database() as db:
        found = entries.latest(db, last, event=event, actor=actor, submission_id=submission_id)
    if as_json:
        print_json([entry_json(entry) for entry in found])
        return
    columns = ("position", "at", "event", "submission", "actor", "from", "details")
    rows = [
        (
            *(e.position, e.at.isoformat(" ", "seconds"), e.event, e.submission_id, e.actor),
            None if e.origin is None else " ".join(f"{name}={value}" for name, value in e.origin.items()),
            json.dumps(e.details),
        )
        for e in found
    ]
    print_table("Audit log", columns, rows)


@audit.command("head")
@as_json
@told
def show_head(*, as_json: bool) -> None:
    """Print the end of the chain as POSITION:HASH, to be kept where nobody who can change the database can change it.

    Example: shipd audit head | ssh elsewhere 'cat >> heads'
    """
    with database() as db:
        head = audit_chain.head(db)
    if as_json:
        print_json({"position": head.position, "hash": head.hash.hex()})
        return
    click.echo(str(head))


@audit.command("export")
@click.option("--since", type=Moment(), metavar="WHEN", help="From this moment on: a day, or as RFC 3339 has it.")
@click.option("--until", type=Moment(), metavar="WHEN", help="Before this moment.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "json"]),
    default="jsonl",
    show_default=True,
    help="Lines, or a list.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@told
def export(since: datetime | None, until: datetime | None, form: str, *, as_json: bool) -> None:
    """Write the chain to stdout, an entry a line, each with its hash and the one before it.

    What is exported is without gaps, so a few entries of other times may stand between: `shipd audit verify --file`
    verifies it without a database. That it was exported is an entry, too. Example: shipd audit export > audit.jsonl
    """
    with database() as db:
        with db.transaction() as tx:
            between = {name: moment and moment.isoformat() for name, moment in (("since", since), ("until", until))}
            entries.done(tx, EXPORTED, between)
        for text in _texts(_lines(db, audit_check.of_time(db, since, until)), as_list=as_json or form == "json"):
            click.echo(text, nl=False)


def _lines(db: Database, found: tuple[int, int] | None) -> Iterator[Mapping[str, object]]:
    if found is not None:
        first, last = found
        before = audit_check.before(db, first)
        yield from audit_check.exported(before, audit_check.read(db, before.position, last))


def _texts(lines: Iterable[Mapping[str, object]], *, as_list: bool) -> Iterator[str]:
    texts = (json.dumps(line, separators=(",", ":")) for line in lines)
    if not as_list:
        yield from (f"{text}\n" for text in texts)
        return
    yield "["
    for number, text in enumerate(texts):
        yield f",\n{text}" if number else text
    yield "]\n"


@audit.command("verify")
@click.option("--from", "begin", type=click.IntRange(1), default=1, show_default=True, help="The first position.")
@click.option(HEAD, "heads", type=HeadType(), multiple=True, metavar="POSITION:HASH", help="Known from elsewhere.")
@click.option(LOG, "log", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The logs of beat.")
@click.option(
    "--file", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="An export, not the database."
)
@as_json
@told
def verify(begin: int, heads: tuple[Head, ...], log: Path | None, file: Path | None, *, as_json: bool) -> None:
    """Recompute the chain, and name the first entry that was changed, taken out, put in or moved.

    By itself it cannot show that its end was cut off, or that all of it was made anew: --head compares it with heads
    that were kept elsewhere, and --log with what the process that chains logged (`python -m workers beat`); what lies
    before what is verified is refused. --file takes either format of `shipd audit export`. Exits with 1 where it is not
    as it was. Example: shipd audit verify --head "$(tail -1 heads)"
    """
    with ExitStack() as stack:
        known = [(HEAD, head) for head in heads]
        if log is not None:
            text = stack.enter_context(log.open(errors="replace"))
            known += [(LOG, link.head) for link in audit_check.logged(text)]
        gaps = audit_check.gaps(head.position for where, head in known if where == LOG)
        waiting = 0
        if file is not None:
            checked = _of_file(stack.enter_context(file.open()), known)
        else:
            checked, waiting = _of_database(stack.enter_context(database()), begin, known)
    broken = checked.broken or _compared(checked, known)
    if broken is None and log is not None and LOG not in dict(known):
        raise click.UsageError(f"{log} has no entry of what is verified: is it the log of `python -m workers beat`?")
    _say(checked, broken, waiting, len(known), gaps, as_json=as_json)
    raise SystemExit(Exit.FAILED if broken is not None else Exit.DONE)


def _of_file(text: Iterable[str], known: list[tuple[str, Head]]) -> Checked:
    try:
        lines = audit_check.lines(text)
        first = next(lines, None)
        if first is None:
            return _checked(Head(0, START), known)
        start = Head(first[1].position - 1, first[0])
        checked = _followed(_checked(start, known), _all(first[1], lines), None)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    # A log goes on where an export ends.
    known[:] = [(where, head) for where, head in known if where != LOG or head.position <= checked.end.position]
    return checked


def _all(first: Link, rest: Iterable[tuple[bytes, Link]]) -> Iterator[Link]:
    yield first
    for _, link in rest:
        yield link


def _of_database(db: Database, begin: int, known: list[tuple[str, Head]]) -> tuple[Checked, int]:
    try:
        end, gone = audit_chain.head(db), None
        # What the database itself says of its end: whoever cut it off may have forgotten that.
        known.append(("the head in the database", end))
    except HeadGone as error:
        end, gone = None, str(error)
    start = audit_check.before(db, begin)
    total = None if end is None else end.position - start.position
    checked = _followed(_checked(start, known), audit_check.read(db, start.position), total)
    if gone is not None and checked.broken is None:
        checked.broken = Broken(checked.end.position + 1, Fault.CUT, gone)
    return checked, audit_check.waiting(db)[0]


def _checked(start: Head, known: list[tuple[str, Head]]) -> Checked:
    """Begin a check, of what is known leave what can be compared. Refuses a head that somebody gave and that cannot."""
    before = [head.position for where, head in known if where == HEAD and head.position < start.position]
    if before:
        first = start.position + 1
        raise click.UsageError(f"{HEAD} {before[0]}:... lies before {first}, where this begins: begin earlier")
    known[:] = [(where, head) for where, head in known if head.position >= start.position]
    return Checked(start, start, seen={head.position: b"" for _, head in known})


def _followed(checked: Checked, links: Iterable[Link], total: int | None) -> Checked:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("verifying", total=total)
        for found in audit_check.check(checked, links):
            if found.entries % 1000 == 0:
                bar.update(task, completed=found.entries)
    return checked


def _compared(checked: Checked, known: list[tuple[str, Head]]) -> Broken | None:
    found = (audit_check.reaches(checked, head, where) for where, head in known)
    return min((broken for broken in found if broken is not None), key=lambda one: one.position, default=None)


def _say(
    checked: Checked, broken: Broken | None, waiting: int, compared: int, gaps: list[tuple[int, int]], *, as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "ok": broken is None,
                "entries": checked.entries,
                "head": str(checked.end),
                "compared_with": compared,
                "log_gaps": gaps,
                "not_chained": waiting,
                "broken": None if broken is None else vars(broken),
            }
        )
        return
    for first, last in gaps:
        click.echo(f"The log does not have {first} to {last}: lines of it were lost, or taken out.")
    if broken is not None:
        click.echo(f"BROKEN at position {broken.position}, {broken.fault}: {broken.message}.")
        click.echo(f"{checked.entries} entries before it are as they were written.")
        return
    click.echo(f"{checked.entries} entries are as they were written, up to {checked.end}.")
    if waiting:
        click.echo(f"{waiting} are not chained yet: `python -m workers beat` does that every few seconds.")
