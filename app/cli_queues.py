"""`shipd queues`: what waits, and whether workers take from it."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import click

from app.cli_operator import Operator, confirm, operator, yes
from app.cli_parts import as_json, print_json, print_table, told
from app.cli_waiting import until_none
from app.schemas.operating import in_queue_json, queue_json
from domain import hosts, queue, queue_names
from domain import queues as waiting
from domain.errors import Unavailable
from domain.model import Priority
from domain.queues import InQueue

name = click.argument("name", type=click.Choice([one.value for one in Priority]))
names = click.argument("names", nargs=-1, required=True, type=click.Choice([one.value for one in Priority]))


@click.group()
def queues() -> None:
    """See what waits for workers, pause it, wait for its end, or throw it away.

    There is a queue for each priority: interactive, normal, bulk. Workers take from the first that holds anything.
    Behind each name are the queues of all regions and hosts: `shipd queues list --by-queue` tells them apart.
    """


@queues.command("list")
@click.option("--by-queue", is_flag=True, help="Tell the queues of regions and hosts apart.")
@as_json
@told
def list_queues(*, by_queue: bool, as_json: bool) -> None:
    """List the queues: messages in Redis, executions in PostgreSQL, and how long the oldest waits.

    An execution whose user has no place left is queued without a message. `messages` is - while Redis is away.
    With --by-queue, EU.normal is the queue of all hosts of the region EU, host.NAME.normal that of one host.
    """
    with operator() as ours:
        lengths = _lengths(ours)
        if by_queue:
            _print_each(waiting.by_queue(ours.db), lengths, as_json=as_json)
            return
        found = [queue_json(one, _of_priority(lengths, one.queue)) for one in waiting.waiting(ours.db)]
    if as_json:
        print_json({"queues": found, "messages": lengths})
        return
    columns = ("name", "paused", "messages", "queued", "without_place", "at_work")
    rows = [(*(one[column] for column in columns), _age(one["oldest_at"])) for one in found]
    print_table("Queues", (*columns, "oldest"), rows)
    others = ", ".join(f"{one}: {count}" for one, count in lengths.items() if queue_names.read(one) is None)
    click.echo(f"Messages of other queues: {others or '-'}")


def _print_each(found: Sequence[InQueue], lengths: Mapping[str, int], *, as_json: bool) -> None:
    answers = [in_queue_json(one, lengths.get(one.name)) for one in found]
    if as_json:
        print_json({"queues": answers})
        return
    columns = ("name", "messages", "queued", "at_work")
    rows = [(*(one[column] for column in columns), _age(one["oldest_at"])) for one in answers]
    print_table("Queues", (*columns, "oldest"), rows)


def _lengths(ours: Operator) -> Mapping[str, int]:
    """Count messages; nothing while the broker is away."""
    names = waiting.names_of(hosts.known(ours.db))
    with suppress(Unavailable):
        return queue.lengths(ours.celery, names)
    return {}


def _of_priority(lengths: Mapping[str, int], priority: Priority) -> int | None:
    """Add up the messages of a priority; None where nothing is known of them."""
    found = [count for name, count in lengths.items() if _is_of(name, priority)]
    return sum(found) if found else None


def _is_of(name: str, priority: Priority) -> bool:
    named = queue_names.read(name)
    return named is not None and named.priority is priority


def _age(moment: object) -> str | None:
    if not isinstance(moment, str):
        return None
    return f"{(datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds():.0f} s"


@queues.command()
@names
@as_json
@told
def pause(names: tuple[str, ...], *, as_json: bool) -> None:
    """Have workers take nothing more from NAMES; what they took before is graded.

    It holds for workers that start later, until `shipd queues resume`. Submissions are accepted all the while.
    Example: shipd queues pause bulk
    """
    _switch(names, taking=False, as_json=as_json)


@queues.command()
@names
@as_json
@told
def resume(names: tuple[str, ...], *, as_json: bool) -> None:
    """Have workers take from NAMES again."""
    _switch(names, taking=True, as_json=as_json)


def _switch(names: Iterable[str], *, taking: bool, as_json: bool) -> None:
    answers: list[dict[str, object]] = []
    with operator() as ours:
        for one in map(Priority, names):
            changed = (waiting.resume if taking else waiting.pause)(ours.db, one)
            answers.append({"name": one.value, "paused": not taking, "changed": changed})
        told = _tell(ours)  # to look at all of them
    answers = [{**answer, "told": told} for answer in answers]
    if as_json:
        print_json({"queues": answers})
        return
    for answer in answers:
        said = "is taken from" if taking else "is paused"
        click.echo(f"{answer['name']} {said}; {told} workers know, others learn it within 10 s.")


def _tell(ours: Operator) -> int:
    """Tell the workers that live to look at what is paused; while the broker is away they learn it from PostgreSQL."""
    with suppress(Unavailable):
        live = [host.report.name for host in hosts.known(ours.db, ours.settings.live_s) if host.takes_work]
        return queue.tell_to_look(ours.celery, live)
    return 0


@queues.command()
@names
@click.option("--timeout", type=click.IntRange(min=0), help="Wait for so many seconds at most.")
@as_json
@told
def drain(names: tuple[str, ...], timeout: int | None, *, as_json: bool) -> None:
    """Wait until nothing of NAMES waits or is at work; exits with 4 where that takes longer than --timeout.

    Nothing is refused meanwhile: have senders stop, or it may take for ever. Example: shipd queues drain bulk normal
    """
    chosen = list(map(Priority, names))
    deadline = None if timeout is None else time.monotonic() + timeout
    with operator() as ours:
        until_none(lambda: sum(waiting.left(ours.db, one) for one in chosen), deadline, _late)
    if as_json:
        print_json({"queues": [{"name": one.value, "left": 0} for one in chosen]})
    else:
        click.echo(f"Nothing of {', '.join(chosen)} is left.")


def _late(left: int) -> str:
    return f"{left} executions are left; `shipd queues list` shows them, a paused queue never drains"


@queues.command()
@name
@yes
@as_json
@told
def purge(name: str, *, yes: bool, as_json: bool) -> None:
    """Throw away what waits in NAME: its messages, and its executions end as cancelled.

    What is at work goes on. It asks whether you mean it. Example: shipd queues purge bulk --yes
    """
    chosen = Priority(name)
    with operator() as ours:
        counts = {one.queue: one.queued for one in waiting.waiting(ours.db)}
        confirm(f"Cancel {counts[chosen]} executions that wait in {name}?", yes=yes)
        messages = queue.discard(ours.celery, waiting.names_of(hosts.known(ours.db), [chosen]))
        ended = _cancel_queued(ours, chosen, counts[chosen])
        waiting.note_purged(ours.db, chosen, messages=messages, executions=ended)
    if as_json:
        print_json({"name": name, "messages": messages, "cancelled": ended})
    else:
        click.echo(f"{name}: {messages} messages thrown away, {ended} executions cancelled.")


def _cancel_queued(ours: Operator, chosen: Priority, expected: int) -> int:
    from client import progress  # noqa: PLC0415 - it takes a tenth of a second, for which others need not wait

    canceller, ended = ours.canceller(), 0
    with progress.bar(expected, "cancelled") as over:
        while some := canceller.queued(chosen):
            ended += some
            over(some)
    return ended
