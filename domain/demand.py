"""What regions have to do, as PostgreSQL knows it: read, made advice of, and what was wanted is kept for the next time.

Arrivals are counted once for each minute that is over (`arrivals`), so that an hour of them costs nothing to read.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain import hosts
from domain.advice import HOLD_S, UNKNOWN_COST_S, Advice, Demand, Waiting, advise
from domain.db import Connection, Database
from domain.hosts import Host
from domain.model import Priority

MINUTES = 60
COMMITTED_S = 5
"""So long after a minute is over all of it can be seen."""
LAST = 2000
"""Executions that say what one takes."""

_FIRST = (
    "JOIN execution_numbers AS numbered ON numbered.submission_id = s.id AND numbered.number = 1"
    " JOIN executions AS e ON e.id = numbered.execution_id"
)
_COUNT = f"""
    INSERT INTO arrivals (minute, region, priority, count)
    SELECT m, region_of(came.queue, came.region), coalesce(came.priority, 'normal'), coalesce(sum(came.count), 0)
    FROM generate_series(
        date_trunc('minute', now()) - interval '{MINUTES} min',
        date_trunc('minute', now() - interval '{COMMITTED_S} s') - interval '1 min',
        interval '1 min'
    ) AS m
    LEFT JOIN LATERAL (
        SELECT e.queue, s.region, e.priority, count(*) FROM submissions AS s {_FIRST}
        WHERE s.created_at >= m AND s.created_at < m + interval '1 min' GROUP BY 1, 2, 3
    ) AS came ON true
    WHERE NOT EXISTS (SELECT FROM arrivals AS known WHERE known.minute = m)
    GROUP BY 1, 2, 3
    ON CONFLICT DO NOTHING
"""
_OLD = "DELETE FROM arrivals WHERE minute < now() - interval '1 day'"
_ARRIVALS = f"""
    SELECT minute, region, priority, count FROM arrivals
    WHERE minute >= date_trunc('minute', now()) - interval '{MINUTES} min' ORDER BY minute
"""
_RECENT = f"""
    SELECT region_of(queue, region), sum(count)::bigint FROM (
        SELECT e.queue, s.region, count(*) FROM submissions AS s {_FIRST}
        WHERE s.created_at > now() - interval '60 s' GROUP BY 1, 2
    ) AS came GROUP BY 1
"""
# What a slot is busy with; with help of other slots there is more CPU time than time.
_COSTS = f"""
    SELECT e.priority, avg(greatest(
        coalesce(e.cpu_time_ms, 0),
        (coalesce(prepare_ms, 0) + coalesce(compile_ms, 0) + coalesce(run_ms, 0) + coalesce(check_ms, 0)
            + coalesce(collect_ms, 0)) * ((s.cpu_millicores + 999) / 1000)
    ))::float8 / 1000
    FROM (SELECT * FROM executions ORDER BY id DESC LIMIT {LAST}) AS e JOIN submissions AS s ON s.id = e.submission_id
    WHERE e.state = 'done' AND e.verdict <> 'JE' GROUP BY e.priority
"""
# Since it was first sent: before that it waited for a place of its user, for which no host is to be blamed. Few queues
# hold many executions: where each of them is, is found out once.
_WAITING = """
    WITH queued AS MATERIALIZED (
        SELECT coalesce(queue, '') AS queue, priority, extract(epoch FROM now() - CASE
            WHEN sent = 1 AND sent_at > queued_at THEN sent_at ELSE queued_at END)::float8 AS age
        FROM executions
        WHERE state = 'queued' AND sent_at < 'infinity' AND priority NOT IN (SELECT name FROM paused_queues)
    ), places AS MATERIALIZED (
        SELECT queue, region_of(nullif(queue, ''), NULL) AS region FROM (SELECT DISTINCT queue FROM queued) AS one
    )
    SELECT region, priority, count(*), max(age), percentile_cont(0.95) WITHIN GROUP (ORDER BY age)
    FROM queued JOIN places USING (queue) GROUP BY 1, 2
"""
_WANTED = f"SELECT region, slots FROM wanted_slots WHERE at > now() - interval '{HOLD_S} s'"
_KEEP = "INSERT INTO wanted_slots (region, at, slots) VALUES (%s, clock_timestamp(), %s) ON CONFLICT DO NOTHING"
_FORGET = f"DELETE FROM wanted_slots WHERE at < now() - interval '{2 * HOLD_S} s'"


@dataclass
class _Read:
    """What was read, by region where nothing else is said."""

    minutes: dict[str, Counter[object]] = field(default_factory=lambda: defaultdict(Counter))
    by_priority: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    axis: list[object] = field(default_factory=list)
    """The minutes that are over."""
    recent: Mapping[str, int] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    """By priority."""
    waiting: dict[str, list[Waiting]] = field(default_factory=lambda: defaultdict(list))
    wanted: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    hosts: Sequence[Host] = ()

    @property
    def regions(self) -> list[str]:
        """Name those that have hosts, or something to do."""
        busy = {region for region, counts in self.minutes.items() if any(counts.values())}
        return sorted({one.report.region for one in self.hosts} | busy | set(self.waiting) | set(self.recent))

    def cost_s(self, priority: str) -> float:
        """Say what one of a class takes; of a class of which none was seen what others take."""
        return self.costs.get(priority, sum(self.costs.values()) / len(self.costs) if self.costs else UNKNOWN_COST_S)

    def demand(self, region: str) -> Demand:
        """Put together what one region has to do."""
        able = [one.report for one in self.hosts if one.report.region == region and one.takes_work]
        like = able or [one.report for one in self.hosts if one.report.region == region]
        mix = self.by_priority[region] or Counter({Priority.NORMAL.value: 1})
        return Demand(
            region,
            hosts=len(able),
            slots=sum(one.cpus for one in able),
            slots_each=sum(one.cpus for one in like) / len(like) if like else 1.0,
            arrivals=[self.minutes[region][minute] for minute in self.axis],
            recent=self.recent.get(region, 0),
            cost_s=sum(self.cost_s(priority) * count for priority, count in mix.items()) / mix.total(),
            waiting=self.waiting[region],
            wanted_before=self.wanted[region],
        )


def renew(db: Database, target_age_s: float) -> list[Advice]:
    """Say how many hosts each region wants, and keep that as what was wanted. Raises Unavailable."""
    with db.transaction() as tx:
        for command in (_COUNT, _OLD, _FORGET):
            tx.execute(command.encode())
        read = _read(tx)
        found = [advise(read.demand(region), target_age_s) for region in read.regions]
        for one in found:
            tx.execute(_KEEP, (one.demand.region, one.wanted))
    return found


def _read(tx: Connection) -> _Read:
    found = _Read(hosts=hosts.read(tx))
    for minute, region, priority, count in tx.execute(_ARRIVALS.encode()):
        if not found.axis or found.axis[-1] != minute:
            found.axis.append(minute)
        found.minutes[region][minute] += count
        if count:
            found.by_priority[region][priority] += count
    found.recent = dict(tx.execute(_RECENT.encode()).fetchall())
    found.costs = dict(tx.execute(_COSTS.encode()).fetchall())
    for region, priority, count, oldest_s, p95_s in tx.execute(_WAITING):
        cost_s = count * found.cost_s(priority)
        found.waiting[region].append(Waiting(Priority(priority), count, oldest_s, p95_s, cost_s))
    for region, slots in tx.execute(_WANTED.encode()):
        found.wanted[region].append(slots)
    return found
