"""`shipd`: the operator's command. Each part prints a table, or with --json what a program can read."""

import json
from collections.abc import Sequence
from contextlib import closing
from uuid import UUID

import click

from app import doctor as examination
from app.readiness import Check
from app.schemas.listing import checks_json, entry_json, key_json, languages_json
from app.schemas.response import submission_json
from app.terminal import as_json
from app.terminal import database as _database
from app.terminal import print_json as _print_json
from app.terminal import print_table as _print_table
from app.terminal import read_settings as _settings
from app.terminal import told as _told
from app.webhook_commands import webhooks
from domain import audit, hosts, submissions
from domain import keys as api_keys
from domain.blobs import BlobStore
from domain.db import Database
from domain.keys import Role
from domain.languages import Languages
from domain.static_checks import StaticChecks


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Operate a Shipd deployment.

    Settings come from the environment, as for the API and the workers: DATABASE_URL and REDIS_URL at least.
    Start with `shipd doctor`, which says what is missing and how to mend it.
    """


main.add_command(webhooks)


@main.group()
def keys() -> None:
    """Make, list and revoke API keys.

    A key is sent as `Authorization: Bearer KEY`. It is shown once, when it is made: only its hash is kept.
    """


@keys.command("create")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.SUBMITTER.value,
    show_default=True,
    help="submitter: a person, small sources. service: a platform, large ones. admin: reads everybody's submissions.",
)
@click.option("--network", is_flag=True, help="What it sends may ask for a network (constraints.network_enabled).")
@click.option(
    "--static-check",
    metavar="CHECK",
    help="Sources that it sends must keep to this policy, a file of jail-configs/static: `basic` for Python.",
)
@as_json
@_told
def create_key(name: str, role: str, *, network: bool, static_check: str | None, as_json: bool) -> None:
    """Make a key called NAME and print it. Keep it: it cannot be shown again."""
    if static_check is not None:
        _require_check(static_check)
    with _database() as db:
        key = api_keys.create(db, name=name, role=role, network=network, static_check=static_check)
    if as_json:
        _print_json({"name": name, "role": role, "network": network, "static_check": static_check, "key": key})
        return
    click.echo(key)
    click.echo("Keep it: it cannot be shown again.", err=True)


def _require_check(name: str) -> None:
    try:
        StaticChecks.load(_settings().jail_configs / "static").choose(name)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@keys.command("list")
@as_json
@_told
def list_keys(*, as_json: bool) -> None:
    """List all keys by prefix; secrets are not kept and cannot be shown."""
    with _database() as db:
        entries = [key_json(entry) for entry in api_keys.listing(db)]
    if as_json:
        _print_json({"keys": entries})
        return
    columns = ("prefix", "name", "role", "network", "static_check", "created_at", "expires_at", "revoked_at")
    _print_table("API keys", columns, [[entry[column] for column in columns] for entry in entries])


@keys.command("revoke")
@click.argument("prefix")
@as_json
@_told
def revoke_key(prefix: str, *, as_json: bool) -> None:
    """End the key with this PREFIX (the part between the underscores) for good, at once."""
    with _database() as db:
        api_keys.revoke(db, prefix)
    if as_json:
        _print_json({"prefix": prefix, "revoked": True})
    else:
        click.echo(f"{prefix} is revoked.")


@main.group("submissions")
def submission_commands() -> None:
    """Look at submissions."""


@submission_commands.command("show")
@click.argument("submission_id", type=click.UUID)
@as_json
@_told
def show_submission(submission_id: UUID, *, as_json: bool) -> None:
    """Show a submission and its current execution, as its sender sees them: hidden test cases stay hidden."""
    settings = _settings()
    with closing(Database(settings.database_url, min_size=0)) as db:
        view = submissions.get(db, BlobStore(settings.blob_dir), submission_id, None)
    if as_json:
        _print_json(submission_json(view))
        return
    execution = view.execution
    click.echo(f"{view.id}  {view.asked.language}  {execution.state}  {execution.verdict or '-'}")
    shown = submission_json(view)["execution"]
    results = shown["test_results"] if isinstance(shown, dict) else []
    columns = ("name", "verdict", "reason", "points", "usage")
    _print_table("Test results", columns, [[result[column] for column in columns] for result in results])


@main.command("audit")
@click.option("--last", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many entries.")
@as_json
@_told
def show_audit_log(last: int, *, as_json: bool) -> None:
    """Show what looked like an attack, newest first: forbidden system calls, by submission.

    Example: shipd audit --last 10
    """
    with _database() as db:
        entries = audit.latest(db, last)
    if as_json:
        _print_json([entry_json(entry) for entry in entries])
        return
    rows = [(e.at.isoformat(" ", "seconds"), e.event, e.submission_id, e.actor, json.dumps(e.details)) for e in entries]
    _print_table("Audit log", ("at", "event", "submission", "worker", "details"), rows)


@main.command()
@as_json
@_told
def languages(*, as_json: bool) -> None:
    """List the languages, and which of them a live worker has."""
    known = Languages.load(_settings().jail_configs / "languages")
    with _database() as db:
        listed = languages_json(known, hosts.availability(db))["languages"]
    if as_json:
        _print_json({"languages": listed})
        return
    rows = listed if isinstance(listed, list) else []
    columns = ("name", "title", "available", "version", "versions", "install")
    _print_table("Languages", columns, [[row[column] for column in columns] for row in rows])


@main.command()
@as_json
def doctor(*, as_json: bool) -> None:
    """Say what this machine offers and lacks, and how to mend what is missing.

    Looks at PostgreSQL, Redis, the workers and the schema, at the sandbox (namespaces, cgroups, seccomp, nsjail), and
    at compilers and interpreters. Exits with 1 where submissions could not be graded; a missing language is no fault,
    nor is a missing cache, without which compilers take longer.
    """
    settings = examination.read_settings()
    parts = {
        "platform": list(examination.platform_checks(settings)),
        "sandbox": examination.sandbox_checks(settings),
        "languages": list(examination.language_checks(settings)),
        "caches": examination.cache_checks(settings),
    }
    ok = all(check.ok for check in (*parts["platform"], *parts["sandbox"]))
    if as_json:
        _print_json({"ok": ok} | {name: checks_json(checks) for name, checks in parts.items()})
    else:
        for name, checks in parts.items():
            _print_checks(name.capitalize(), checks)
    raise SystemExit(0 if ok else 1)


def _print_checks(title: str, checks: Sequence[Check]) -> None:
    _print_table(
        title, ("part", "", ""), [(check.name, "ok" if check.ok else "MISSING", check.message) for check in checks]
    )
