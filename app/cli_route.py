"""`shipd hosts route`: where a submission would run, and why there."""

import click

from app.cli_parts import as_json, database, print_json, print_table, read_settings, told
from domain import routing
from domain.host import DEFAULT_REGION
from domain.limits import Constraints
from domain.model import Priority
from domain.room import Need
from domain.router import Router
from domain.routing import Candidate

USUAL = Constraints()

Json = dict[str, object]


@click.command()
@click.option("--language", required=True, help="As a submission says it: python, cpp@20.")
@click.option("--memory-mb", default=USUAL.memory_mb, show_default=True, type=click.IntRange(1))
@click.option("--cpus", default=1, show_default=True, type=click.IntRange(1), help="Slots that it takes at once.")
@click.option("--disk-mb", type=click.IntRange(1), help="Room of its box; large ones need a host that mounts images.")
@click.option("--network", is_flag=True, help="With a network.")
@click.option("--region", help="The region that its sender asks for.")
@click.option(
    "--priority", default=Priority.NORMAL.value, show_default=True, type=click.Choice([one.value for one in Priority])
)
@as_json
@told
def route(
    language: str,
    memory_mb: int,
    cpus: int,
    disk_mb: int | None,
    *,
    network: bool,
    region: str | None,
    priority: str,
    as_json: bool,
) -> None:
    """Show where a submission would run now, and what speaks against each place, in milliseconds: the least is chosen.

    Nothing is sent. It is decided as the API in this environment does (SHIPD_REGION, SHIPD_REGION_DISTANCE).
    Example: shipd hosts route --language go --memory-mb 8192 --region eu
    """
    constraints = Constraints(memory_mb=memory_mb, cpu_millicores=1000 * cpus, disk_mb=disk_mb, network_enabled=network)
    need, settings = Need.of(language, constraints), read_settings()
    with database() as db:
        answer = _answer(Router.of(settings, db), need, region, Priority(priority))
    if as_json:
        print_json(answer)
        return
    _print(answer)


def _answer(router: Router, need: Need, asked: str | None, priority: Priority) -> Json:
    known = router.known.hosts(anew=True)
    queued = router.queued()
    found = sorted(router.candidates(need, asked), key=lambda one: one.score(priority, queued))
    refused = {host.report.name: reason for host in known if (reason := routing.why_not(need, host)) is not None}
    return {
        "queue": router.decide(need, asked, priority),
        "able": bool(found),
        "candidates": [_candidate_json(one, priority, one.queued_ms(priority, queued)) for one in found],
        "hosts": {host.report.name: refused.get(host.report.name, "able") for host in known},
        "regions": sorted({host.report.region for host in known} or {DEFAULT_REGION}),
    }


def _candidate_json(one: Candidate, priority: Priority, queued_ms: float) -> Json:
    parts = {**one.parts, "queued": queued_ms}
    return {
        "queue": one.queue(priority),
        "region": one.region,
        "host": one.host,
        "slots": one.slots,
        "score_ms": round(sum(parts.values()), 3),
        "parts_ms": {name: round(value, 3) for name, value in parts.items()},
    }


def _print(answer: Json) -> None:
    candidates, hosts = answer["candidates"], answer["hosts"]
    assert isinstance(candidates, list)  # noqa: S101 - made above
    assert isinstance(hosts, dict)  # noqa: S101 - made above
    parts = list(candidates[0]["parts_ms"]) if candidates else []
    columns = ("queue", "region", "host", "slots", "score_ms")
    rows = [(*(one[name] for name in columns), *(one["parts_ms"][name] for name in parts)) for one in candidates]
    print_table("Places", (*columns, *parts), rows)
    others = ", ".join(f"{name} ({reason})" for name, reason in hosts.items() if reason != "able")
    click.echo(f"Hosts that do not come into question: {others or '-'}")
    said = "It would go to" if answer["able"] else "No host can run it now; it would wait in"
    click.echo(f"{said} {answer['queue']}.")
