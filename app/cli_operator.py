"""What the operator's commands share: PostgreSQL, the broker, and who tells whoever must know of a change."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import click
from celery import Celery

from app.canceller import Canceller
from app.cli_parts import read_settings
from domain import live, queue
from domain.cancelling import Cancellations
from domain.db import Database
from domain.events import Events
from domain.router import Router
from domain.settings import Settings

yes = click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")


@dataclass(frozen=True)
class Operator:
    """The parts of a deployment that an operator changes things in."""

    settings: Settings
    db: Database
    celery: Celery
    router: Router

    def canceller(self) -> Canceller:
        """Make what cancels and tells of it."""
        url = self.settings.redis_url
        events, told, cancellations = Events(url), live.Live(url), Cancellations(url)
        return Canceller(self.db, self.celery, events, told, cancellations, self.settings.usual, self.router)


@contextmanager
def operator() -> Iterator[Operator]:
    """Open the parts of this deployment."""
    settings = read_settings()
    made = Database(settings.database_url, min_size=0, pooler=settings.db_pooler)
    with closing(made) as db, closing(queue.make_celery(settings)) as celery:
        yield Operator(settings, db, celery, Router.of(settings, db))


def confirm(question: str, *, yes: bool) -> None:
    """Ask whether it is meant; without a terminal to answer at, `--yes` must say so."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Say --yes if you mean it.")
    click.confirm(question, abort=True, err=True)
