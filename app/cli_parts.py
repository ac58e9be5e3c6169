"""What all parts of the `shipd` command share: settings, the database, tables, JSON, and errors in one line."""

import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import ParamSpec, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli_exits import Away
from domain.blobs import BlobDamaged, BlobMissing
from domain.db import Database
from domain.errors import ShipdError, Unavailable
from domain.settings import Settings

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
FILE_WIDTH = 200
"""How wide a table is, in characters, that nobody sees on a terminal."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def told(command: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Have what goes wrong told in one line, with exit code 1, or 3 where a part of ours does not answer."""

    @functools.wraps(command)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except Unavailable as error:
            raise Away(str(error)) from error
        except (ShipdError, BlobMissing, BlobDamaged, OSError) as error:
            raise click.ClickException(str(error)) from error

    return run


def read_settings() -> Settings:
    """Read the settings of this deployment."""
    try:
        return Settings.from_environment()
    except ValueError as error:
        hint = "This command needs the settings that the API and the workers have: run it in their environment."
        raise click.ClickException(f"{error}\n{hint}") from error


@contextmanager
def database() -> Iterator[Database]:
    """Open the database of this deployment."""
    settings = read_settings()
    with closing(Database(settings.database_url, min_size=0, pooler=settings.db_pooler)) as db:
        yield db


def print_json(data: object) -> None:
    """Print what a program can read."""
    click.echo(json.dumps(data, indent=2))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print what people can read."""
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*("-" if value is None else escape(printable(str(value))) for value in row))
    console = Console()
    if not (console.is_terminal or "COLUMNS" in os.environ):
        console.width = FILE_WIDTH  # a log has no edge, and rows that are cut say nothing
    console.print(table)


def print_groups(groups: Sequence[Mapping[str, object]]) -> None:
    """Print what test groups earned, where there are any."""
    columns = ("name", "parent", "verdict", "points", "max_points")
    if groups:
        print_table("Test groups", columns, [[group[column] for column in columns] for group in groups])


def printable(text: str) -> str:
    """Take out what a terminal would obey: what is shown may be of a program that nobody trusts."""
    return "".join(char if char in "\n\t" or char.isprintable() else f"\\x{ord(char):02x}" for char in text)
