"""`shipd regrade`: grade submissions again, see what that changes, and then apply it or not.

It talks to the database, as whoever may use it; the audit log says that it was the command.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console

from app.cli_parts import as_json, database, print_json, print_table, read_settings, told
from app.cli_regrade_selecting import Moment, ids_in
from app.cli_regrade_show import follow, print_estimate, print_items, print_moves, print_regrade, write_csv
from app.regrade_backend import DomainRegrades
from app.schemas.regrade_answers import estimate_json, item_json, matrix_json, regrade_json
from domain import queue, regrade_diff
from domain import regrade as regrades
from domain.cancel import Cancelled
from domain.cancelling import Cancellations
from domain.regrade import COMMAND_LINE, Options, Regrade, Seed, Version
from domain.regrade_diff import Move
from domain.regrade_selection import Selection
from domain.router import Router
from domain.verdict import Verdict

INTERRUPTED = 130
"""The exit code of Ctrl-C, as shells have it."""
regrade_id = click.argument("regrade_id", type=click.UUID)


@contextmanager
def _backend() -> Iterator[DomainRegrades]:
    settings = read_settings()
    with database() as db, closing(queue.make_celery(settings)) as celery:
        cancellations = Cancellations(settings.redis_url)

        def tell(cancelled: Sequence[Cancelled]) -> None:
            for one in cancelled:
                if one.worker is not None:
                    cancellations.tell(one.worker, one.execution_id)

        with closing(cancellations):
            yield DomainRegrades(db, celery, tell, Router.of(settings, db))


@click.group()
def regrade() -> None:
    """Grade submissions again, beside their current executions, and decide when you have seen what that changes.

    Until `apply`, answers show the results of before. Exit codes: 0 done, 1 refused or failed (the reason is told),
    2 wrong usage, 130 interrupted, which interrupts the watching and never the regrade.
    """


@regrade.command()
@click.option("--problem", "problem_id", help="Of this problem.")
@click.option("--problem-version", type=click.IntRange(1), help="Graded by this version of it.")
@click.option("--language", help="In this language: `cpp`, or `cpp@20`.")
@click.option("--verdict", "verdicts", multiple=True, type=click.Choice([*map(str, Verdict)]), help="Several for any.")
@click.option("--reason", help="With this reason.")
@click.option("--user", "user_id", help="Of this user of a service.")
@click.option("--owner", "owner_id", type=click.UUID, help="Sent by this owner of keys.")
@click.option("--from", "created_from", type=Moment(), help="Sent from then on.")
@click.option("--to", "created_to", type=Moment(), help="Sent before then.")
@click.option("--id", "ids", multiple=True, type=click.UUID, help="These submissions; several for several.")
@click.option(
    "--ids-from", type=click.Path(allow_dash=True, path_type=Path), help="A file of ids, one a line; - is stdin."
)
@click.option(
    "--version",
    type=click.Choice([*map(str, Version)]),
    default=Version.SAME.value,
    show_default=True,
    help="Of a stored problem: the one that each used, or its latest.",
)
@click.option("--new-seed", is_flag=True, help="Shuffle hashes anew, instead of as it was recorded.")
@click.option(
    "--rate",
    "--at-once",
    "at_once",
    type=click.IntRange(1),
    help="How many are under way at a time. By default half as many as live hosts have slots.",
)
@click.option("--dry-run", is_flag=True, help="Say what it would be, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--detach", is_flag=True, help="Do not wait until it is ready.")
@as_json
@told
def start(
    *,
    verdicts: tuple[str, ...],
    ids: tuple[UUID, ...],
    ids_from: Path | None,
    version: str,
    new_seed: bool,
    at_once: int | None,
    dry_run: bool,
    yes: bool,
    detach: bool,
    as_json: bool,
    **named: object,
) -> None:
    """Grade again all submissions that are all of what is named, and whose current execution is done.

    It says first what that is and costs, and asks. With --json it neither asks nor follows, and wants --yes.
    Example: shipd regrade start --problem two-sum --verdict TLE --from 2026-11-25 --version latest
    """
    chosen = (*ids, *(ids_in(ids_from) if ids_from is not None else ()))
    selection = Selection(verdicts=tuple(map(Verdict, verdicts)), ids=chosen, **named)  # type: ignore[arg-type] # by the options
    options = Options(Version(version), Seed.NEW if new_seed else Seed.RECORDED, at_once)
    with _backend() as backend:
        found = backend.estimate(selection, options)
        if as_json and (dry_run or not yes):
            print_json(estimate_json(found))
        elif not as_json:
            print_estimate(found)
        if dry_run:
            return
        if as_json and not yes:
            raise click.UsageError("with --json nothing is asked: say --dry-run or --yes")
        if not yes and found.total:  # else there is nothing to ask for, and it is refused
            click.confirm("Grade them again?", abort=True)
        made = backend.start(selection, options, COMMAND_LINE)
        if as_json:
            print_json(regrade_json(made))
            return
        click.echo(f"{made.id}: {made.total} submissions are graded again.")
        if not detach:
            _follow(backend, made.id)


def _follow(backend: DomainRegrades, own_id: UUID, *, as_json: bool = False) -> None:
    try:
        found = follow(lambda: backend.get(own_id), Console(stderr=True))
    except KeyboardInterrupt:
        click.echo(f"\nIt goes on. Come back: shipd regrade watch {own_id}", err=True)
        click.echo(f"Stop it: shipd regrade pause {own_id}, or discard", err=True)
        raise SystemExit(INTERRUPTED) from None
    _print(found, backend.matrix(own_id), as_json=as_json)


def _print(found: Regrade, moves: Sequence[Move], *, as_json: bool) -> None:
    if as_json:
        print_json(regrade_json(found) | {"matrix": matrix_json(moves)})
    else:
        print_regrade(found, moves)


@regrade.command("list")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@as_json
@told
def list_regrades(last: int, *, as_json: bool) -> None:
    """List regrades, newest first."""
    with database() as db:
        found = regrades.page(db, before=None, limit=last)
    if as_json:
        print_json({"regrades": list(map(regrade_json, found))})
        return
    columns = ("id", "state", "selected", "done", "changed", "failed", "by", "created_at", "selection")
    rows = [
        (
            r.id,
            r.state,
            r.total,
            r.done,
            r.changed,
            r.failed,
            r.made_by,
            _moment(r.created_at),
            dict(r.selection.stored()),
        )
        for r in found
    ]
    print_table("Regrades", columns, rows)


def _moment(at: datetime) -> str:
    return at.isoformat(" ", "seconds")


@regrade.command()
@regrade_id
@as_json
@told
def show(regrade_id: UUID, *, as_json: bool) -> None:
    """Show how far a regrade is, with its table of old and new verdicts."""
    with database() as db:
        _print(regrades.get(db, regrade_id), regrade_diff.matrix(db, regrade_id), as_json=as_json)


@regrade.command()
@regrade_id
@as_json
@told
def watch(regrade_id: UUID, *, as_json: bool) -> None:
    """Follow a regrade until it is ready or paused; Ctrl-C leaves it running."""
    with _backend() as backend:
        _follow(backend, regrade_id, as_json=as_json)


@regrade.command()
@regrade_id
@click.option("--all", "everything", is_flag=True, help="What did not change too.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values instead of a table.")
@as_json
@told
def diff(regrade_id: UUID, *, everything: bool, as_csv: bool, as_json: bool) -> None:
    """Show what a regrade changes: verdicts, points, and how much longer each took.

    JE in the new ones is marked: that is our fault or a checker's, and is never applied.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    with database() as db:
        regrades.get(db, regrade_id)
        items = regrade_diff.every(db, regrade_id, changed=None if everything else True)
        if as_csv:
            write_csv(items)
            return
        moves = regrade_diff.matrix(db, regrade_id)
        if as_json:
            print_json({"matrix": matrix_json(moves), "items": list(map(item_json, items))})
            return
        print_moves(moves)
        print_items(items)


@regrade.command()
@regrade_id
@click.option("--partial", is_flag=True, help="What is done so far; the rest is given up.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@told
def apply(regrade_id: UUID, *, partial: bool, yes: bool, as_json: bool) -> None:
    """Make what a regrade found the current results, all at once and for good."""

    def act(backend: DomainRegrades, by: str) -> Regrade:
        return backend.apply(regrade_id, by, partial=partial)

    _ended(regrade_id, act, "apply", yes=yes, as_json=as_json)


@regrade.command()
@regrade_id
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@told
def discard(regrade_id: UUID, *, yes: bool, as_json: bool) -> None:
    """Give a regrade up for good, in whatever state: the results of before stay."""
    _ended(regrade_id, lambda backend, by: backend.discard(regrade_id, by), "discard", yes=yes, as_json=as_json)


@regrade.command()
@regrade_id
@as_json
@told
def pause(regrade_id: UUID, *, as_json: bool) -> None:
    """Queue no more of a regrade; what was queued is graded."""
    _done(lambda backend, by: backend.pause(regrade_id, by), as_json=as_json)


@regrade.command()
@regrade_id
@as_json
@told
def resume(regrade_id: UUID, *, as_json: bool) -> None:
    """Go on with a regrade that was paused."""
    _done(lambda backend, by: backend.resume(regrade_id, by), as_json=as_json)


Act = Callable[[DomainRegrades, str], Regrade]


def _ended(regrade_id: UUID, act: Act, word: str, *, yes: bool, as_json: bool) -> None:
    if not yes:
        with database() as db:
            found = regrades.get(db, regrade_id)
        changes = f"{found.done} of {found.total} done, {found.changed} changed, {found.failed} failed"
        click.confirm(f"{changes}. {word.capitalize()} it for good?", abort=True, err=True)
    _done(act, as_json=as_json)


def _done(act: Act, *, as_json: bool) -> None:
    with _backend() as backend:
        found = act(backend, COMMAND_LINE)
    if as_json:
        print_json(regrade_json(found))
    else:
        click.echo(f"{found.id} is {found.state}: {found.done} of {found.total} done, {found.applied} applied.")
