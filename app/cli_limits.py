"""`shipd keys limit`: what one key may ask for, and how much of it."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import click

from domain import keys as api_keys
from domain.db import Database
from domain.errors import ShipdError
from domain.key_limits import CEILINGS, TEST_CASES, KeyLimits

NO_RATE = "none"
OpenDatabase = Callable[[], AbstractContextManager[Database]]


def attach(keys: click.Group, database: OpenDatabase) -> None:
    """Give the group its command."""

    def limit(prefix: str, *, reset: bool, as_json: bool, **given: int | str | None) -> None:
        with database() as db:
            found = _set(db, prefix, _limits(given), reset=reset)
        shown = {"prefix": prefix, "limits": found.stored()}
        if as_json:
            click.echo(json.dumps(shown, indent=2))
            return
        said = ", ".join(f"{name}={value}" for name, value in _flat(found).items()) or "those of the deployment"
        click.echo(f"{prefix}: {said}")

    limit.__doc__ = _HELP
    command: Callable[..., object] = limit
    for option in reversed(_options()):
        command = option(command)
    keys.command("limit")(command)


_HELP = """Set what the key with this PREFIX may ask for; what is not named stays as it is.

    Ceilings are those of `constraints`, never above the deployment's. --rate, --at-once and --cpu-s-per-day are for
    each user of the key: of a service everybody whom it names by user_id. All hold from the next request on.

    Example: shipd keys limit 0123456789ab --memory-mb 128 --rate "60/minute;1000/day" --at-once 2
    """


def _options() -> list[Callable[[Callable[..., object]], Callable[..., object]]]:
    whole = click.IntRange(min=0)
    ceilings = [
        click.option(f"--{name.replace('_', '-')}", name, type=whole, help=f"The most of constraints.{name}.")
        for name in CEILINGS
    ]
    return [
        click.argument("prefix"),
        *ceilings,
        click.option("--test-cases", TEST_CASES, type=whole, help="The most test cases of a submission."),
        click.option("--rate", help=f"Submissions in a time: `120/minute`, several with semicolons, or `{NO_RATE}`."),
        click.option("--at-once", type=whole, help="Executions in the message queue or at work; the others wait."),
        click.option("--cpu-s-per-day", type=whole, help="CPU seconds in a day, by UTC; 0: as many as they like."),
        click.option("--reset", is_flag=True, help="Forget first what was set before."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    ]


def _limits(given: dict[str, int | str | None]) -> KeyLimits:
    rate = given.pop("rate")
    ceilings = {name: value for name in (*CEILINGS, TEST_CASES) if isinstance(value := given.pop(name), int)}
    own = {name: value for name, value in given.items() if isinstance(value, int)}
    return KeyLimits(ceilings, rate="" if rate == NO_RATE else rate, **own)  # type: ignore[arg-type] # by their options


def _set(db: Database, prefix: str, limits: KeyLimits, *, reset: bool) -> KeyLimits:
    try:
        return api_keys.limit(db, prefix, limits, reset=reset)
    except (ShipdError, ValueError) as error:
        raise click.ClickException(str(error)) from error


def _flat(limits: KeyLimits) -> dict[str, object]:
    stored = limits.stored()
    stored.pop("ceilings", None)
    return {**limits.ceilings, **{name: value if value != "" else NO_RATE for name, value in stored.items()}}
