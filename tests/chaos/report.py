"""What a run came to, for people and for machines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.chaos import plot
from tests.chaos.plan import FAR, Fault
from tests.chaos.proof import Row, Sort
from tests.chaos.run import Found, Struck

SHOWN = 40
"""Things that are wrong; all of them stand in the JSON."""
BEFORE_S, WINDOW_S = 15.0, 5.0
BACK = 0.8
"""A rate that is this part of the one before is back."""


@dataclass(frozen=True)
class Recovery:
    """How a fault went: seconds since the start of the run, then since the end of the fault."""

    fault: str
    at_s: float
    lasted_s: float
    up_s: float | None
    """Until the API was ready, streams answered and both workers took work again."""
    first_s: float | None
    """Until something ended that was accepted after the fault was over; None where there was no such thing."""
    rate_s: float | None
    """Until as much ended in a second as before, by four fifths; None where it did not come to that."""
    caught_s: float | None
    """Until all had ended that had been accepted and was not over when the fault came."""
    what: str


def recovery(found: Found, struck: Struck) -> Recovery:
    """Say how long it took to recover from one fault."""
    theirs = [row for row in found.rows if _concerned(struck, row, found.rows)]
    first = _first_after(theirs, found.began + struck.ended)
    return Recovery(
        struck.strike.fault.value,
        round(struck.began, 1),
        round(struck.ended - struck.began, 1),
        struck.up_s,
        None if first is None else round(first, 2),
        _rate_again(ends(found), struck),
        _caught(found, struck),
        struck.what,
    )


def _concerned(struck: Struck, row: Row, rows: Sequence[Row]) -> bool:
    """Of a region that is away only those are asked that wanted to be there, where anybody did."""
    regional = struck.strike.fault is Fault.REGION_AWAY and any(one.region == FAR for one in rows)
    return row.region == FAR if regional else True


def fail_over_s(found: Found, struck: Struck) -> float | None:
    """Say how long after a region went away something ended elsewhere that was sent there afterwards."""
    began = found.began + struck.began
    theirs = [row for row in found.rows if row.region == FAR and row.host == "near"]
    return _first_after(theirs, began)


def _first_after(rows: Sequence[Row], moment: float) -> float | None:
    times = [
        row.finished_at.timestamp() - moment
        for row in rows
        if row.finished_at is not None and row.created_at.timestamp() > moment
    ]
    return min(times, default=None)


def _caught(found: Found, struck: Struck) -> float | None:
    """Say when the last of those that the fault caught under way had ended, in seconds since its end."""
    came = found.began + struck.began
    times = [
        row.finished_at.timestamp() - found.began - struck.ended
        for row in found.rows
        if row.finished_at is not None and row.created_at.timestamp() <= came < row.finished_at.timestamp()
    ]
    return round(max(0.0, *times), 1) if times else None


def ends(found: Found) -> list[float]:
    """Give the moments at which submissions ended, in seconds since the start of the run."""
    times = [row.finished_at.timestamp() - found.began for row in found.rows if row.finished_at is not None]
    return sorted(times)


def _rate_again(times: Sequence[float], struck: Struck) -> float | None:
    before = _rate(times, struck.began - BEFORE_S, struck.began)
    moment = struck.ended
    while times and moment + WINDOW_S <= times[-1]:
        if _rate(times, moment, moment + WINDOW_S) >= BACK * before:
            return round(moment - struck.ended, 1)
        moment += 0.5
    return None


def _rate(times: Sequence[float], start: float, end: float) -> float:
    start = max(start, 0.0)
    return sum(start <= time < end for time in times) / max(end - start, 1e-9)


def counts(found: Found) -> dict[str, int]:
    """Count what was accepted and finished, and what was not right: submissions, however much is wrong with each."""
    numbers = {sort: {fault.number for fault in found.wrong if fault.sort is sort} for sort in Sort}
    return {
        "submissions": len(found.plan.orders),
        "accepted": found.sights.accepted,
        "finished": sum(row.state == "done" for row in found.rows),
        **{sort.value: len(of_sort) for sort, of_sort in numbers.items()},
    }


def as_json(found: Found, left: Sequence[str]) -> Mapping[str, object]:
    """Give all of it for machines."""
    struck = [{**vars(recovery(found, one)), "fail_over_s": _failing_over(found, one)} for one in found.struck]
    return {
        "seed": found.plan.seed,
        "seconds": round(found.seconds, 1),
        **counts(found),
        "refused": dict(found.sights.refused),
        "left": list(left),
        "missed": missed(found),
        "attempts": dict(sorted(Counter(row.attempt for row in found.rows).items())),
        "hosts": dict(Counter(str(row.host) for row in found.rows)),
        "started_again": dict(Counter(found.restarted)),
        "faults": struck,
        "slowest": slowest(found),
        "wrong_with": [vars(one) for one in found.wrong],
        "per_second": plot.per_second(ends(found)),
    }


def slowest(found: Found, count: int = 5) -> list[dict[str, object]]:
    """Give those that took longest from their acceptance to their end."""
    took = [(row.finished_at - row.created_at, row) for row in found.rows if row.finished_at is not None]
    return [
        {"number": row.number, "seconds": round(time.total_seconds(), 1), "attempt": row.attempt, "id": row.id}
        for time, row in sorted(took, key=lambda one: one[0], reverse=True)[:count]
    ]


def _failing_over(found: Found, struck: Struck) -> float | None:
    if struck.strike.fault is not Fault.REGION_AWAY:
        return None
    seconds = fail_over_s(found, struck)
    return None if seconds is None else round(seconds, 2)


def is_good(found: Found, left: Sequence[str]) -> bool:
    """Whether all of the plan was done, nothing is wrong, and nothing left."""
    said = counts(found)
    return not found.wrong and not left and not missed(found) and said["finished"] == said["submissions"]


def missed(found: Found) -> list[str]:
    """List the faults that did not come, or did not come to their end: the run says nothing about them."""
    done = {one.strike for one in found.struck if one.ended}
    return [strike.fault.value for strike in found.plan.strikes if strike not in done]


def show(console: Console, found: Found, left: Sequence[str]) -> None:
    """Print it for people."""
    console.print(
        plot.plot(ends(found), [(one.began, one.strike.fault.value) for one in found.struck]), highlight=False
    )
    console.print(_faults(found))
    console.print(_sums(found, left))
    for name, count in Counter(found.restarted).items():
        console.print(f"{name} was given up by the process manager and started again, {count} x", highlight=False)
    for one in found.wrong[:SHOWN]:
        console.print(f"[red]{one.sort.value}[/] {one.number}: {escape(one.what)}", highlight=False, soft_wrap=True)
    if len(found.wrong) > SHOWN:
        console.print(f"... and {len(found.wrong) - SHOWN} more")
    for name in missed(found):
        console.print(f"[red]did not come to its end[/] {name}", highlight=False)
    for line in left:
        console.print(f"[red]left[/] {escape(line)}", highlight=False, soft_wrap=True)


def _faults(found: Found) -> Table:
    title = "Faults: when and for how long, and what followed in seconds after their end"
    table = Table("at", "fault", "what", "lasted", "up", "next end", "rate back", "caught ended", title=title)
    for struck in found.struck:
        one, elsewhere = recovery(found, struck), _failing_over(found, struck)
        what = one.what if elsewhere is None else f"{one.what}; another took over after {elsewhere} s"
        after = (one.up_s, one.first_s, one.rate_s, one.caught_s)
        table.add_row(f"{one.at_s:.1f}", one.fault, what, f"{one.lasted_s:.1f}", *map(_or_dash, after))
    return table


def _or_dash(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _sums(found: Found, left: Sequence[str]) -> Table:
    rate = len(found.rows) / max(found.seconds, 1e-9)
    table = Table(title=f"Seed {found.plan.seed}, {found.seconds:.0f} s, {rate:.1f} submissions/s")
    values = {**counts(found), "left": len(left)}
    for name in values:
        table.add_column(name, justify="right")
    table.add_column("answers that refused")
    refused = ", ".join(f"{count} x {what}" for what, count in found.sights.refused.most_common())
    table.add_row(*(f"{value:,}" for value in values.values()), refused or "none")
    return table
