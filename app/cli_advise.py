"""`shipd hosts advise`: how many hosts are wanted, and why."""

from collections.abc import Sequence

import click

from app.cli_parts import as_json, database, print_json, print_table, read_settings, told
from domain import demand
from domain.advice import Advice

COLUMNS = ("region", "hosts", "wanted", "slots", "wanted slots", "last minute", "foreseen", "oldest", "95 % wait")
BARS = "▁▂▃▄▅▆▇█"


@click.command()
@as_json
@told
def advise(*, as_json: bool) -> None:
    """Say how many hosts each region wants, from what comes and what waits, with the reasons.

    Nothing is to wait longer than SHIPD_TARGET_AGE_S. More is advised at once, less when it would have done for ten
    minutes. The sweeper's process tells Prometheus the same (SHIPD_FLEET_METRICS_PORT).
    """
    target_age_s = read_settings().target_age_s
    with database() as db:
        found = demand.renew(db, target_age_s)
    if as_json:
        print_json({"target_age_s": target_age_s, "regions": [_json(one) for one in found]})
        return
    print_table("Hosts wanted", COLUMNS, [_row(one) for one in found])
    for one in found:
        arrivals = one.demand.arrivals
        click.echo(f"\n{one.demand.region}: submissions of each minute of an hour, {max(arrivals, default=0)} at most")
        click.echo(f"  {bars(arrivals)}")
        for reason in one.reasons:
            click.echo(f"  - {reason}")


def bars(counts: Sequence[int]) -> str:
    """Draw counts, each as a bar between nothing and the highest."""
    highest = max(counts, default=0)
    return "".join(BARS[0 if highest == 0 else round(count / highest * (len(BARS) - 1))] for count in counts)


def _row(one: Advice) -> Sequence[object]:
    own = one.demand
    oldest, p95 = (max((getattr(each, name) for each in own.waiting), default=0.0) for name in ("oldest_s", "p95_s"))
    return (
        *(own.region, own.hosts, one.hosts, own.slots, one.slots),
        *(own.recent, f"{one.foreseen:.0f}/min", f"{oldest:.1f} s", f"{p95:.1f} s"),
    )


def _json(one: Advice) -> dict[str, object]:
    own = one.demand
    return {
        "region": own.region,
        "hosts": own.hosts,
        "slots": own.slots,
        "hosts_wanted": one.hosts,
        "slots_wanted": one.slots,
        "slots_wanted_now": one.wanted,
        "arrivals": list(own.arrivals),
        "last_minute": own.recent,
        "foreseen": one.foreseen,
        "forecast_error": one.error,
        "cost_s": own.cost_s,
        "waiting": [
            {"class": each.priority.value, "count": each.count, "oldest_s": each.oldest_s, "p95_s": each.p95_s}
            for each in own.waiting
        ],
        "reasons": list(one.reasons),
    }
