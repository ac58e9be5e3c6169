"""`shipd hosts`: what the platform runs on, how it is, and hosts that are to take nothing new."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import click

from app.cli_advise import advise
from app.cli_operator import Operator, operator
from app.cli_parts import as_json, database, print_json, print_table, told
from app.cli_waiting import until_none
from app.schemas.hosts import host_json
from domain import draining, queue
from domain import hosts as known_hosts
from domain.db import Database
from domain.draining import Left
from domain.errors import Unavailable
from domain.hosts import Host, Standing

MIB = 1024 * 1024
COLUMNS = (
    *("name", "region", "standing", "seen", "busy", "load", "cpu", "memory free", "disk free", "ready"),
    *("executions", "failures", "languages"),
)

names = click.argument("names", nargs=-1, required=True)


@click.group()
def hosts() -> None:
    """See what the platform runs on, have hosts take nothing new, and learn how many are wanted.

    A host is a machine with a worker. It tells every ten seconds how it is; after half a minute of silence it is gone.
    """


hosts.add_command(advise)


@hosts.command("list")
@as_json
@told
def list_hosts(*, as_json: bool) -> None:
    """List all hosts that ever had a worker, with how each was at its last heartbeat.

    `ready` are jails that stand ready; `executions` and `failures` are of the last five minutes. A host is live,
    draining (it takes nothing new), drained (its worker holds nothing more) or gone.
    """
    with database() as db:
        found = known_hosts.known(db)
    if as_json:
        print_json({"hosts": [host_json(one) for one in found]})
        return
    print_table("Hosts", COLUMNS, [_row(one) for one in found])


def _row(one: Host) -> Sequence[object]:
    said, load = one.report, one.load
    return (
        *(said.name, said.region, one.standing.value, _age(one.seen_at)),
        *(f"{load.slots_busy}/{said.cpus}", load.load_1m, f"{load.cpu_percent:.0f} %"),
        *(_mib(load.memory_available_bytes), _mib(load.disk_free_bytes), sum(load.ready.values())),
        *(load.executions, load.failures, ", ".join(said.languages)),
    )


def _age(moment: datetime) -> str:
    return f"{(datetime.now(UTC) - moment).total_seconds():.0f} s ago"


def _mib(count: int | None) -> str | None:
    return None if count is None else f"{count // MIB} MiB"


@hosts.command("show")
@click.argument("name")
@as_json
@told
def show_host(name: str, *, as_json: bool) -> None:
    """Show all that is known of host NAME, with how many executions are at work there or queued for it alone."""
    with database() as db:
        found = draining.left(db, name)
    shown = host_json(found.host) | {"at_work": found.at_work, "queued": found.queued}
    if as_json:
        print_json(shown)
        return
    print_table("Host", ("", ""), [(key, _cell(value)) for key, value in shown.items()])


def _cell(value: object) -> object:
    return ", ".join(f"{key} {_cell(one)}" for key, one in value.items()) if isinstance(value, dict) else value


@hosts.command()
@names
@click.option("--wait", is_flag=True, help="Wait until nothing is at work there, and nothing queued for it.")
@click.option("--timeout", type=click.IntRange(min=0), help="With --wait: exit with 4 where that takes longer.")
@as_json
@told
def drain(names: tuple[str, ...], *, wait: bool, timeout: int | None, as_json: bool) -> None:
    """Have hosts NAMES take nothing new: what runs there is finished, what waits for them goes elsewhere.

    It holds for workers that start there later, until `shipd hosts undrain`. What only these hosts can run waits for
    them. Stop the worker when the host is drained. Example: shipd hosts drain worker-3 --wait --timeout 600
    """
    if timeout is not None and not wait:
        raise click.UsageError("--timeout says how long to wait: say --wait too")
    deadline = None if timeout is None else time.monotonic() + timeout
    with operator() as ours:
        _switch(ours, names, draining.drain)
        if wait:
            _wait(ours.db, names, deadline)
        found = _left(ours.db, names)
    _print(found, as_json=as_json)


@hosts.command()
@names
@as_json
@told
def undrain(names: tuple[str, ...], *, as_json: bool) -> None:
    """Have hosts NAMES take work again."""
    with operator() as ours:
        _switch(ours, names, draining.undrain)
        found = _left(ours.db, names)
    _print(found, as_json=as_json)


@hosts.command()
@names
@as_json
@told
def forget(names: tuple[str, ...], *, as_json: bool) -> None:
    """Forget hosts NAMES, which are gone for good; one that is alive is refused.

    What they could run counts no more: a submission that none of the other hosts ever had room for is refused.
    """
    with database() as db:
        _left(db, names)
        for name in names:
            draining.forget(db, name)
    if as_json:
        print_json({"hosts": [{"name": name, "forgotten": True} for name in names]})
        return
    click.echo(f"Forgotten: {', '.join(names)}.")


def _switch(ours: Operator, names: Sequence[str], change: Callable[[Database, str], bool]) -> None:
    """Change all, or none where one is not known; and tell their workers, which learn it in ten seconds otherwise."""
    live = [one.host.report.name for one in _left(ours.db, names) if one.host.live]
    for name in names:
        change(ours.db, name)
    with suppress(Unavailable):
        queue.tell_to_look(ours.celery, live)


def _wait(db: Database, names: Sequence[str], deadline: float | None) -> None:
    def left() -> int:
        return sum(_steps(one) for one in _left(db, names))

    until_none(left, deadline, lambda _: "; ".join(_told(one) for one in _left(db, names) if not one.drained))


def _steps(one: Left) -> int:
    """Count what is to be waited for: executions, and the worker's word."""
    return one.at_work + one.queued + (one.host.standing is not Standing.DRAINED)


def _left(db: Database, names: Sequence[str]) -> list[Left]:
    return [draining.left(db, name) for name in dict.fromkeys(names)]


def _print(found: Sequence[Left], *, as_json: bool) -> None:
    if as_json:
        print_json({"hosts": [_json(one) for one in found]})
        return
    for one in found:
        click.echo(_told(one))


def _json(one: Left) -> dict[str, object]:
    standing = one.host.standing.value
    known = {"name": one.host.report.name, "standing": standing, "drained": one.drained}
    return known | {"at_work": one.at_work, "queued": one.queued}


def _told(one: Left) -> str:
    name, standing = one.host.report.name, one.host.standing
    if standing in {Standing.LIVE, Standing.GONE}:
        return f"{name} {'takes work' if standing is Standing.LIVE else 'is gone'}."
    if one.drained:
        return f"{name} is drained: its worker may be stopped."
    return f"{name} is draining: {one.at_work} executions at work there, {one.queued} queued for it."
