"""`shipd`: the operator's command. Each part prints a table, or with --json what a program can read."""

import os
import pwd
import socket
from collections.abc import Sequence
from contextlib import closing
from uuid import UUID

import click

from app import access
from app import doctor as examination
from app.cli_audit import audit
from app.cli_blobs import blobs
from app.cli_completion import completion
from app.cli_data import data
from app.cli_executions import executions
from app.cli_exits import Exit
from app.cli_hosts import hosts
from app.cli_keys import keys
from app.cli_parts import as_json, database, print_groups, print_json, print_table, read_settings, told
from app.cli_problems import problem
from app.cli_queues import queues
from app.cli_regrade import regrade
from app.cli_remote import batch, submit, watch
from app.cli_route import route
from app.cli_users import users
from app.cli_webhooks import webhooks
from app.readiness import Check
from app.schemas.listing import checks_json, languages_json
from app.schemas.response import submission_json
from domain import blob_stores, logging, origin, submissions
from domain import hosts as known_hosts
from domain.db import Database
from domain.languages import Languages


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(ctx: click.Context) -> None:
    """Operate a Shipd deployment.

    Settings come from the environment, as for the API and the workers: DATABASE_URL and REDIS_URL at least.
    Start with `shipd doctor`, which says what is missing and how to mend it. Every command takes --help and --json.

    Exits with 0 when it is done, 1 when it could not be or something is not as it should be, 2 for a wrong command
    line, 3 when a part of the platform does not answer, 4 when what was waited for takes longer.
    """
    command = f"shipd {ctx.invoked_subcommand}"
    ctx.with_resource(origin.bound(command=command, host=socket.gethostname(), **_who()))


def run() -> None:
    """Be the command: stdout is its answer, and what is logged meanwhile goes to stderr."""
    logging.configure("warning")
    main(prog_name="shipd")


def _who() -> dict[str, str | None]:
    """Say who gives a command, for the audit log: the user, and who became that user by sudo, as sudo says."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container, say
        user = str(os.getuid())
    return {"user": user, "sudo_user": os.environ.get("SUDO_USER") or None}


for _command in (
    *(keys, users, queues, executions, hosts, blobs, data, webhooks, problem, regrade, audit),
    *(submit, batch, watch, completion),
):
    main.add_command(_command)
hosts.add_command(route)


@main.group("submissions")
def submission_commands() -> None:
    """Look at submissions."""


@submission_commands.command("show")
@click.argument("submission_id", type=click.UUID)
@as_json
@told
def show_submission(submission_id: UUID, *, as_json: bool) -> None:
    """Show a submission and its current execution, as its sender sees them: hidden test cases stay hidden."""
    settings = read_settings()
    with closing(Database(settings.database_url, min_size=0, pooler=settings.db_pooler)) as db:
        view = submissions.get(db, blob_stores.of(settings), submission_id, None)
    if as_json:
        print_json(submission_json(view))
        return
    execution = view.execution
    click.echo(f"{view.id}  {view.asked.language}  {execution.state}  {execution.verdict or '-'}")
    shown = submission_json(view)["execution"]
    found = shown if isinstance(shown, dict) else {}
    columns = ("name", "verdict", "reason", "points", "usage")
    print_table("Test results", columns, [[result[column] for column in columns] for result in found["test_results"]])
    print_groups(found["test_groups"])


@main.command("access")
@as_json
def show_access(*, as_json: bool) -> None:
    """Show who may do what: each route with what it needs, and whose things each role may do it with.

    It is a table in Markdown, the one in docs/access.md.
    """
    if not as_json:
        click.echo(access.markdown(), nl=False)
        return
    print_json([{"route": row.route, "needs": row.need.value, **row.cells} for row in access.rows()])


@main.command()
@as_json
@told
def languages(*, as_json: bool) -> None:
    """List the languages, and which of them a live worker has."""
    known = Languages.load(read_settings().jail_configs / "languages")
    with database() as db:
        listed = languages_json(known, known_hosts.availability(db))["languages"]
    if as_json:
        print_json({"languages": listed})
        return
    rows = listed if isinstance(listed, list) else []
    columns = ("name", "title", "available", "version", "versions", "install")
    print_table("Languages", columns, [[row[column] for column in columns] for row in rows])


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
        print_json({"ok": ok} | {name: checks_json(checks) for name, checks in parts.items()})
    else:
        for name, checks in parts.items():
            _print_checks(name.capitalize(), checks)
    raise SystemExit(Exit.DONE if ok else Exit.FAILED)


def _print_checks(title: str, checks: Sequence[Check]) -> None:
    print_table(
        title, ("part", "", ""), [(check.name, "ok" if check.ok else "MISSING", check.message) for check in checks]
    )
