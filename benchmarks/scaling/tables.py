"""The tables of docs/scaling.md (pure)."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.scaling import fleets, limits, money
from benchmarks.scaling.check import Compared
from benchmarks.scaling.costs import CONTROL, TITLES, Costs
from benchmarks.scaling.fleets import Played
from benchmarks.scaling.model import STATIONS

PROGRAMS = (*CONTROL, "flower", "other", "jails")
NAMES = {"postgresql": "PostgreSQL", "redis": "Redis", "api": "API", "celery": "Celery's main process"}
DAY_S = 86_400
CONNECTIONS = 500
"""As many as a PostgreSQL server is let have here before a pooler is due."""
REDIS_CLIENTS = 10_000
"""Redis's own default of `maxclients`."""


def table(headings: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Write a Markdown table; numbers to three digits."""
    ruler = ["---", *("---:" for _ in headings[1:])]
    shown = [[_shown(cell) for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, ruler, *shown))


def submissions(costs: Costs) -> str:
    """CPU time by program."""
    lines = [
        [
            *(TITLES[name], *(cost.cpu_ms.get(program, 0.0) for program in PROGRAMS), sum(cost.cpu_ms.values())),
            *(cost.busy_per_s, cost.alone_p50_ms),
        ]
        for name, cost in costs.kinds.items()
    ]
    headings = ["CPU ms a submission", *(NAMES.get(name, name) for name in PROGRAMS), "all"]
    return table([*headings, "per s, 8 clients", "p50 ms, one client"], lines)


def servers(costs: Costs) -> str:
    """What the servers do for a submission."""
    headings = [
        "a submission",
        "transactions",
        "WAL KiB",
        "Redis commands",
        "Redis KiB",
        "on disk KiB",
        "of it indexes",
    ]
    lines = []
    for name, cost in costs.kinds.items():
        numbers = cost.numbers
        indexes = sum(size for table, size in cost.disk.items() if table.endswith("indexes"))
        sizes = (numbers["wal_bytes"], numbers["redis_bytes"], numbers["database_bytes"], indexes)
        wal, told, disk, of_it = (size / 1024 for size in sizes)
        lines.append([TITLES[name], numbers["transactions"], wal, numbers["redis_commands"], told, disk, of_it])
    return table(headings, lines)


def connections(costs: Costs) -> str:
    """What programs keep open."""
    empty = {"postgresql": 0, "redis": 0}
    lines = []
    for name, work in costs.at_work.items():
        rest = costs.at_rest.get(name, empty)
        numbers = [str(each) for each in (rest["postgresql"], work["postgresql"], rest["redis"], work["redis"])]
        lines.append([name, str(work["processes"]), *numbers])
    headings = ["program", "processes", "PostgreSQL at rest", "at work", "Redis at rest", "at work"]
    return table(headings, lines)


def idle(costs: Costs) -> str:
    """What a host costs that has nothing to do."""
    spent = costs.idle
    lines = [
        ["transactions a second of an idle platform with one host", spent["transactions"]],
        ["Redis commands a second of it", spent["redis_commands"]],
        ["PostgreSQL's CPU ms a second of it", spent["postgresql_cpu_ms"]],
        ["Redis's CPU ms a second of it", spent["redis_cpu_ms"]],
        ["PostgreSQL's CPU ms of a heartbeat", costs.heartbeat_ms],
        ["PostgreSQL's CPU ms of a sweep that finds nothing", costs.sweep_ms],
        ["MB of a process that grades, to itself", costs.memory_mb.get("grade", 0.0) / costs.slots],
    ]
    return table(["besides", ""], lines)


def compared(found: Sequence[Compared]) -> str:
    """The model against the machine."""
    headings = ["", "slots", "clients", "per s: model", "measured", "error %", "p50 ms: model", "measured", "error %"]
    headings += ["p95 ms: model", "measured", "error %"]
    lines = []
    for one in found:
        numbers: list[object] = []
        for figure in ("per_s", "p50_ms", "p95_ms"):
            numbers += [one.model[figure], one.measured[figure], f"{one.error(figure):+.0f}"]
        lines.append([TITLES[one.kind], str(one.slots), str(one.clients), *numbers])
    return table(headings, lines)


def mean_error(found: Sequence[Compared], figure: str) -> float:
    """Give the mean of errors, whichever way they are, in per cent."""
    return sum(abs(one.error(figure)) for one in found) / len(found)


def sizes(played: Sequence[Played]) -> str:
    """What fleets carry."""
    headings = [
        "hosts",
        "submissions",
        "the hosts alone, per s",
        "full first",
        "at per s",
        "played, all slots asked for",
    ]
    headings += ["p95 ms then", f"p50 ms at {fleets.EASY:.0%}", "p95 ms"]
    lines = [
        [
            *(str(one.fleet.hosts), TITLES[one.kind], one.alone, NAMES.get(one.first[0], one.first[0]), one.first[1]),
            *(one.full.per_s, one.full.p95_ms, one.easy.p50_ms, one.easy.p95_ms),
        ]
        for one in played
    ]
    return table(headings, lines)


def needs(costs: Costs, played: Sequence[Played]) -> str:
    """What a control plane needs for all that hosts could do."""
    headings = ["hosts", "submissions", "per s", *(f"{NAMES.get(name, name)} CPUs" for name in STATIONS)]
    headings += ["WAL MB a second", "disk GB a day", "Redis MB a second"]
    lines = []
    for one in played:
        numbers, per_s = costs.kinds[one.kind].numbers, one.alone
        cpus = limits.needed(costs.demand(one.kind), per_s)
        amounts = (numbers["wal_bytes"] / 1e6, numbers["database_bytes"] * DAY_S / 1e9, numbers["redis_bytes"] / 1e6)
        written = [per_s * amount for amount in amounts]
        lines.append([str(one.fleet.hosts), TITLES[one.kind], per_s, *cpus.values(), *written])
    return table(headings, lines)


def order(costs: Costs) -> str:
    """What breaks first as hosts are added."""
    lines: list[Sequence[object]] = []
    for kind in fleets.WORKLOADS:
        for name, per_s, hosts in fleets.order(costs, kind):
            lines.append([f"{NAMES.get(name, name)}'s CPUs, {TITLES[kind]}", per_s, hosts])
    for words, hosts in _by_hosts(costs).items():
        lines.append([words, "", hosts])
    return table(["what is full", "submissions per s", "hosts with 16 slots"], lines)


def _by_hosts(costs: Costs) -> Mapping[str, float]:
    """Give at how many hosts something is full that does not ask how many submissions there are."""
    heartbeat = costs.heartbeat_ms / 1000 / 10
    return {
        f"{CONNECTIONS} connections to PostgreSQL, at work": CONNECTIONS
        / fleets.per_host(costs, "postgresql", "at_work"),
        f"{REDIS_CLIENTS} connections to Redis, at work": REDIS_CLIENTS / fleets.per_host(costs, "redis", "at_work"),
        "one CPU of PostgreSQL busy with heartbeats": 1 / max(heartbeat, 1e-9),
        "Redis's thread busy with idle hosts (all that an idle platform asks)": 1000
        / max(costs.idle["redis_cpu_ms"], 1e-9),
    }


def bills(costs: Costs, prices: money.Prices) -> str:
    """What a million cost."""
    headings = ["a million of", "CPU hours: platform", "jails", "platform's share %", "memory GiB hours", "disk GiB"]
    headings += ["EUR for CPU", "for memory", "a month for disk"]
    lines = []
    for name, cost in costs.kinds.items():
        bill = money.bill(cost, costs, prices)
        share = 100 * bill.platform_hours / max(bill.platform_hours + bill.jail_hours, 1e-9)
        hours = (bill.platform_hours, bill.jail_hours, share, bill.memory_gib_hours, bill.disk_gib)
        lines.append([TITLES[name], *hours, bill.cpu_price, bill.memory_price, bill.disk_price])
    return table(headings, lines)


def _shown(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
