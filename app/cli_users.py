"""`shipd users`: who uses the platform."""

from uuid import UUID

import click

from app.cli_parts import as_json, database, print_json, print_table, told
from app.schemas.operating import user_json
from domain import users as owners
from domain.users import User

COLUMNS = (
    *("id", "subject", "keys", "submissions", "in_queue", "waiting", "cpu_ms_today"),
    *("last_used_at", "suspended_at"),
)

user = click.argument("user_id", type=click.UUID)


@click.group()
def users() -> None:
    """See who uses the platform and how much, and let somebody in no more.

    A user is who owns submissions: whoever holds a key, or whom an identity provider knows.
    """


@users.command("list")
@as_json
@told
def list_users(*, as_json: bool) -> None:
    """List all users with what they use, newest first."""
    with database() as db:
        found = [user_json(one) for one in owners.listing(db)]
    if as_json:
        print_json({"users": found})
        return
    print_table("Users", COLUMNS, [[_cell(one[column]) for column in COLUMNS] for one in found])


@users.command("show")
@user
@as_json
@told
def show_user(user_id: UUID, *, as_json: bool) -> None:
    """Show USER_ID and what they use."""
    with database() as db:
        _print(owners.one(db, user_id), as_json=as_json)


@users.command("suspend")
@user
@as_json
@told
def suspend_user(user_id: UUID, *, as_json: bool) -> None:
    """Let USER_ID in no more: within a second all of their keys and tokens are answered with 403.

    What they sent before is graded; `shipd executions cancel` ends it. Example: shipd users suspend ID
    """
    with database() as db:
        _print(owners.suspend(db, user_id), as_json=as_json)


@users.command("resume")
@user
@as_json
@told
def resume_user(user_id: UUID, *, as_json: bool) -> None:
    """Let USER_ID in again."""
    with database() as db:
        _print(owners.resume(db, user_id), as_json=as_json)


def _print(one: User, *, as_json: bool) -> None:
    shown = user_json(one)
    if as_json:
        print_json(shown)
        return
    print_table("User", ("", ""), [(name, _cell(value)) for name, value in shown.items()])


def _cell(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list | dict) else value
