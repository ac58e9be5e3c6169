"""`shipd keys`: make, list, rotate and revoke API keys."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import click

from app.cli_limits import limit
from app.cli_parts import as_json, database, print_json, print_table, read_settings, told
from app.schemas.keys import issued_json, key_json, moment
from domain import issuing, key_list
from domain.db import Database
from domain.issuing import MAX_GRACE, Issued
from domain.keys import NewKey
from domain.roles import Role, Scope
from domain.static_checks import StaticChecks

COLUMNS = (
    *("prefix", "name", "role", "scopes", "owner_id", "network", "static_check"),
    *("expires_at", "last_used_at", "revoked_at"),
)


class Ending(click.ParamType[datetime]):
    """When something ends: a moment, or so many days from now."""

    name = "WHEN"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read `90d` or `2030-01-31T12:00:00Z`."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        days = text[:-1]
        if text.endswith("d") and days.isascii() and days.isdigit() and 0 < len(days) <= 4 and int(days):
            return datetime.now(UTC) + timedelta(days=int(days))
        found = moment(text)
        if found is None:
            self.fail(f"{text!r} is neither days (90d) nor a moment to come (2030-01-31T12:00:00Z)", param, ctx)
        return found


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke API keys.

    A key is sent as `Authorization: Bearer KEY`. It is shown once, when it is made: only its hash is kept.
    """


keys.add_command(limit)


@keys.command("create")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.SUBMITTER.value,
    show_default=True,
    help="submitter: a person, small sources. service: a platform, large ones, for users whom it names. author: writes"
    " problems. operator: reads everybody's submissions. admin: everything, keys of others too.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="Only this of what the role may do; several times for several.",
)
@click.option("--expires", type=Ending(), help="When it ends: 90d, or 2030-01-31T12:00:00Z. Never without it.")
@click.option(
    "--user",
    metavar="OWNER",
    help="For somebody who is there: the id of an owner, or the prefix of a key of theirs. Else for a new owner.",
)
@click.option("--network", is_flag=True, help="What it sends may ask for a network (constraints.network_enabled).")
@click.option(
    "--static-check",
    metavar="CHECK",
    help="Sources that it sends must keep to this policy, a file of jail-configs/static: `basic` for Python.",
)
@as_json
@told
def create_key(
    name: str,
    role: str,
    *,
    scopes: tuple[str, ...],
    expires: datetime | None,
    user: str | None,
    network: bool,
    static_check: str | None,
    as_json: bool,
) -> None:
    """Make a key called NAME and print it. Keep it: it cannot be shown again.

    Example: shipd keys create ci --role service --scope submissions:write --scope submissions:read --expires 90d
    """
    if static_check is not None:
        _require_check(static_check)
    with database() as db:
        new = NewKey(
            name,
            Role(role),
            owner_id=None if user is None else _owner(db, user),
            scopes=frozenset(map(Scope, scopes)) or None,
            expires_at=expires,
            network=network,
            static_check=static_check,
        )
        issued = issuing.make(db, None, new)
    _print_issued(issued, as_json=as_json)


def _owner(db: Database, user: str) -> UUID:
    try:
        return UUID(user)
    except ValueError:
        return key_list.find(db, user).owner_id


def _require_check(name: str) -> None:
    try:
        StaticChecks.load(read_settings().jail_configs / "static").choose(name)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _print_issued(issued: Issued, *, as_json: bool) -> None:
    if as_json:
        print_json(issued_json(issued))
        return
    click.echo(issued.text)
    click.echo("Keep it: it cannot be shown again.", err=True)


@keys.command("list")
@as_json
@told
def list_keys(*, as_json: bool) -> None:
    """List all keys by prefix; secrets are not kept and cannot be shown."""
    with database() as db:
        entries = [key_json(entry) for entry in key_list.everybodys(db)]
    if as_json:
        print_json({"keys": entries})
        return
    print_table("API keys", COLUMNS, [[_cell(entry[column]) for column in COLUMNS] for entry in entries])


def _cell(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list) else value


@keys.command("rotate")
@click.argument("prefix")
@click.option(
    "--grace",
    default=0,
    show_default=True,
    type=click.IntRange(0, int(MAX_GRACE.total_seconds())),
    help="For so many seconds the secret that it had works too.",
)
@click.option("--expires", type=Ending(), help="When it ends from now on: 90d, or 2030-01-31T12:00:00Z.")
@as_json
@told
def rotate_key(prefix: str, *, grace: int, expires: datetime | None, as_json: bool) -> None:
    """Give the key with this PREFIX another secret and print it; prefix, owner and everything else stay."""
    with database() as db:
        issued = issuing.rotate(db, None, prefix, grace=timedelta(seconds=grace), expires_at=expires)
    _print_issued(issued, as_json=as_json)


@keys.command("revoke")
@click.argument("prefix")
@as_json
@told
def revoke_key(prefix: str, *, as_json: bool) -> None:
    """End the key with this PREFIX (the part between the underscores) for good, and all that were made with it."""
    with database() as db:
        issuing.revoke(db, None, prefix)
    if as_json:
        print_json({"prefix": prefix, "revoked": True})
    else:
        click.echo(f"{prefix} is revoked.")
