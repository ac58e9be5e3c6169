"""`shipd executions`: where they are, what they took, and ending or sending them by hand."""

from uuid import UUID

import click

from app.cli_operator import operator
from app.cli_parts import as_json, database, print_json, print_table, told
from app.schemas.operating import entry_json
from domain import operating
from domain.model import Priority
from domain.operating import ExecutionEntry
from domain.verdict import State, Verdict

LISTED = ("id", "submission_id", "number", "priority", "state", "verdict", "reason", "attempt", "worker", "language")
SHOWN = (
    *("number", "id", "state", "verdict", "reason", "attempt", "queue", "host", "region", "queued_at"),
    *("queue_ms", "prepare_ms", "compile_ms", "run_ms", "check_ms", "collect_ms"),
    *("cpu_time_ms", "wall_time_ms", "memory_bytes"),
)
TOLD = ("number", "attempt", "worker", "state", "started_at", "lost_at")
QUARANTINED = ("id", "submission_id", "number", "language", "owner_id", "user_id", "finished_at", "lost")

ids = click.argument("execution_ids", nargs=-1, required=True, type=click.UUID)


@click.group()
def executions() -> None:
    """Look at executions, cancel them, or have them graded again.

    An execution is one grading of a submission; `shipd submissions show` shows what its sender sees of it.
    """


@executions.command("list")
@click.option("--state", type=click.Choice([one.value for one in State]), help="Only those in this state.")
@click.option("--priority", type=click.Choice([one.value for one in Priority]), help="Only those of this queue.")
@click.option("--verdict", type=click.Choice([one.value for one in Verdict]), help="Only those that ended so.")
@click.option("--last", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@as_json
@told
def list_executions(state: str | None, priority: str | None, verdict: str | None, last: int, *, as_json: bool) -> None:
    """List executions, those that were made last first.

    Example: shipd executions list --verdict JE --last 20
    """
    with database() as db:
        found = operating.latest(
            db,
            last,
            state=None if state is None else State(state),
            priority=None if priority is None else Priority(priority),
            verdict=None if verdict is None else Verdict(verdict),
        )
    entries = [entry_json(one) for one in found]
    if as_json:
        print_json({"executions": entries})
        return
    print_table("Executions", LISTED, [[one[column] for column in LISTED] for one in entries])


@executions.command("show")
@click.argument("submission_id", type=click.UUID)
@as_json
@told
def show_executions(submission_id: UUID, *, as_json: bool) -> None:
    """Show all executions of SUBMISSION_ID in order, with how long each step took; the last one is the current.

    Where workers were lost there is a second table: which attempt, where, how far it was, and when its lease was over.
    """
    with database() as db:
        found = operating.of_submission(db, submission_id)
    entries = [entry_json(one) for one in found]
    if as_json:
        print_json({"executions": entries})
        return
    print_table("Executions", SHOWN, [[one[column] for column in SHOWN] for one in entries])
    lost = [vars(one) | {"number": entry.number} for entry in found for one in entry.story]
    if lost:
        print_table("Lost workers", TOLD, [[str(one[column]) for column in TOLD] for one in lost])


@executions.command("quarantined")
@click.option("--last", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many.")
@as_json
@told
def list_quarantined(last: int, *, as_json: bool) -> None:
    """List what lost its worker SHIPD_MAX_ATTEMPTS times, those that were made last first: poison, perhaps.

    Nothing grades them again by itself, a regrade neither unless it names the submission. Look at what they do and at
    their workers' logs, then: shipd executions release ID
    """
    with database() as db:
        entries = [entry_json(one) | {"lost": _workers(one)} for one in operating.quarantined(db, last)]
    if as_json:
        print_json({"executions": entries})
        return
    print_table("Quarantined", QUARANTINED, [[one[column] for column in QUARANTINED] for one in entries])


def _workers(one: ExecutionEntry) -> str:
    return ", ".join(f"{lost.worker} {lost.state}" for lost in one.story)


@executions.command("release")
@ids
@as_json
@told
def release_executions(execution_ids: tuple[UUID, ...], *, as_json: bool) -> None:
    """Let EXECUTION_IDS out of quarantine, and have each graded again, as an execution of its own with all attempts.

    Of one that is not the current one nothing is graded now; the next regrade may select its submission again.
    Example: shipd executions release ID
    """
    answers = []
    with operator() as ours:
        for one in execution_ids:
            again = operating.release(ours.db, one)
            if again is not None:
                ours.router.send(ours.celery, [(again.execution_id, again.priority)])
            answers.append({"id": str(one), "execution_id": str(again.execution_id) if again is not None else None})
    if as_json:
        print_json({"executions": answers})
        return
    for answer in answers:
        sent = f", and is sent as {answer['execution_id']}" if answer["execution_id"] else ""
        click.echo(f"{answer['id']} is released{sent}.")


@executions.command("cancel")
@ids
@as_json
@told
def cancel_executions(execution_ids: tuple[UUID, ...], *, as_json: bool) -> None:
    """Cancel EXECUTION_IDS, wherever they are; one that is over stays as it is."""
    with operator() as ours:
        canceller = ours.canceller()
        ended = [one for one in execution_ids if canceller.execution(one)]
        operating.note_cancelled(ours.db, ended)
    if as_json:
        print_json({"executions": [{"id": str(one), "cancelled": one in ended} for one in execution_ids]})
        return
    for one in execution_ids:
        click.echo(f"{one} is {'cancelled' if one in ended else 'over, or there is none'}.")


@executions.command("requeue")
@ids
@as_json
@told
def requeue_executions(execution_ids: tuple[UUID, ...], *, as_json: bool) -> None:
    """Have EXECUTION_IDS graded: those that wait are sent once more, for those that ended as JE others are made.

    What ended as JE stays in the history, and the new execution is the current one. What is at work, or has a verdict
    of its own, is refused: `shipd regrade` is for that. Example: shipd executions requeue ID
    """
    answers = []
    with operator() as ours:
        for one in execution_ids:
            again = operating.requeue(ours.db, one)
            ours.router.send(ours.celery, [(again.execution_id, again.priority)])
            answers.append({"id": str(one), "execution_id": str(again.execution_id)})
    if as_json:
        print_json({"executions": answers})
        return
    for answer in answers:
        click.echo(f"{answer['id']} is sent as {answer['execution_id']}.")
