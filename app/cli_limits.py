"""`shipd keys limit`: what one key may ask for, and how much of it."""

from collections.abc import Callable

import click

from app.cli_parts import as_json, database, print_json, told
from domain import keys as api_keys
from domain.db import Database
from domain.key_limits import CEILINGS, TEST_CASES, KeyLimits

NO_RATE = "none"
WHOLE = click.IntRange(min=0)


def _ceilings(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command an option for each of the constraints."""
    for name in reversed(CEILINGS):
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, name, type=WHOLE, help=f"The most of constraints.{name}.")(command)
    return command


@click.command()
@click.argument("prefix")
@_ceilings
@click.option("--test-cases", TEST_CASES, type=WHOLE, help="The most test cases of a submission.")
@click.option("--rate", help=f"Submissions in a time: `120/minute`, several with semicolons, or `{NO_RATE}`.")
@click.option("--at-once", type=WHOLE, help="Executions in the message queue or at work; the others wait.")
@click.option("--cpu-s-per-day", type=WHOLE, help="CPU seconds in a day, by UTC; 0: as many as they like.")
@click.option("--reset", is_flag=True, help="Forget first what was set before.")
@as_json
@told
def limit(prefix: str, *, reset: bool, as_json: bool, **given: int | str | None) -> None:
    """Set what the key with this PREFIX may ask for; what is not named stays as it is.

    Ceilings are those of `constraints`, never above the deployment's. --rate, --at-once and --cpu-s-per-day are for
    each user of the key: of a service everybody whom it names by user_id. All hold from the next request on.

    Example: shipd keys limit 0123456789ab --memory-mb 128 --rate "60/minute;1000/day" --at-once 2
    """
    with database() as db:
        found = _set(db, prefix, _limits(given), reset=reset)
    if as_json:
        print_json({"prefix": prefix, "limits": found.stored()})
        return
    said = ", ".join(f"{name}={value}" for name, value in _flat(found).items()) or "those of the deployment"
    click.echo(f"{prefix}: {said}")


def _limits(given: dict[str, int | str | None]) -> KeyLimits:
    rate = given.pop("rate")
    ceilings = {name: value for name in (*CEILINGS, TEST_CASES) if isinstance(value := given.pop(name), int)}
    own = {name: value for name, value in given.items() if isinstance(value, int)}
    return KeyLimits(ceilings, rate="" if rate == NO_RATE else rate, **own)  # type: ignore[arg-type] # by their options


def _set(db: Database, prefix: str, limits: KeyLimits, *, reset: bool) -> KeyLimits:
    try:
        return api_keys.limit(db, prefix, limits, reset=reset)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _flat(limits: KeyLimits) -> dict[str, object]:
    stored = limits.stored()
    stored.pop("ceilings", None)
    return {**limits.ceilings, **{name: value if value != "" else NO_RATE for name, value in stored.items()}}
