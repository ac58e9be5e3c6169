"""Tables, plot and prices, of costs that nobody measured."""

import json
from xml.etree import ElementTree as ET

import pytest

from benchmarks.scaling import fleets, money, report, tables
from benchmarks.scaling.check import Compared, said
from benchmarks.scaling.costs import Costs
from benchmarks.scaling.counters import Spent, program_of
from benchmarks.scaling.plot import Chart, Line, draw
from tests.unit.benchmarks.scaling.made import COST, COSTS

WORKER = ["python", "-m", "workers"]
COMPARED = [
    Compared("hello", 1, 1, {"per_s": 22, "p50_ms": 30, "p95_ms": 40}, {"per_s": 20, "p50_ms": 30, "p95_ms": 50}),
    Compared("hello", 2, 4, {"per_s": 36, "p50_ms": 60, "p95_ms": 99}, {"per_s": 40, "p50_ms": 50, "p95_ms": 90}),
]


@pytest.mark.parametrize(
    ("line", "parent", "program"),
    [
        (["python", "gunicorn", "app.wsgi:application", "--bind", "127.0.0.1:1"], [], "api"),
        (["python", "gunicorn", "app.wsgi:application", "streams.worker.StreamWorker"], [], "stream"),
        (WORKER, ["supervisord"], "celery"),
        (WORKER, WORKER, "grade"),
        ([*WORKER, "beat"], [], "beat"),
        ([*WORKER, "deliver"], [], "deliver"),
        (["python", "-m", "benchmarks.noop_worker"], [], "celery"),
        (["/opt/bin/postgres", "-D", "/data"], [], "postgresql"),
        (["postgres: shipd shipd 127.0.0.1(1) idle"], [], "postgresql"),
        (["/opt/valkey-server 127.0.0.1:1"], [], "redis"),
        (["python", "-m", "celery", "flower"], [], "flower"),
        (["/opt/nsjail", "--config"], [], "nsjail"),
        (["python", "-m", "supervisor.supervisord"], [], "other"),
        ([], [], "other"),
    ],
)
def test_programs_are_known_by_their_command_lines(line: list[str], parent: list[str], program: str) -> None:
    assert program_of(line, parent) == program


def test_what_was_spent_is_what_came_on_top() -> None:
    before = Spent({"api": 1.0}, {"transactions": 10}, {})
    now = Spent({"api": 1.5, "grade": 0.5}, {"transactions": 16}, {"results": 8192})

    assert now.since(before) == Spent({"api": 0.5, "grade": 0.5}, {"transactions": 6}, {"results": 8192})


def test_what_is_spent_all_the_time_is_left_out() -> None:
    idle = Spent({"api": 1.0, "redis": 4.0}, {"transactions": 20.0}, {}).a_second(10)

    left = Spent({"api": 1.5, "redis": 0.5}, {"transactions": 16.0}, {"results": 8.0}).without(idle, 5)
    assert left == Spent({"api": 1.0, "redis": 0.0}, {"transactions": 6.0}, {"results": 8.0})


def test_a_demand_leaves_nothing_out() -> None:
    demand = COST.demand(3)

    assert demand.grade == pytest.approx(0.003)
    assert demand.run == pytest.approx(0.008)
    assert demand.after == pytest.approx(0.013)
    assert demand.other == pytest.approx(0.003)
    assert demand.latency == pytest.approx(0.034 - 0.016 + 0.001 - 0.008)


def test_alone_the_model_says_what_was_measured() -> None:
    assert 1000 / said(COSTS.demand("hello"), 2, 1, 64)["per_s"] == pytest.approx(COST.alone_mean_ms, rel=0.03)


def test_costs_are_kept_and_read() -> None:
    assert Costs.read(json.loads(json.dumps(COSTS.json()))) == COSTS


def test_errors_are_in_per_cent_of_what_was_measured() -> None:
    assert [round(one.error("per_s")) for one in COMPARED] == [10, -10]
    assert tables.mean_error(COMPARED, "per_s") == pytest.approx(10)
    assert "| +10 | 30 | 30 | +0 | 40 | 50 | -20 |" in tables.compared(COMPARED)


def test_connections_of_a_host_are_those_of_its_processes() -> None:
    assert fleets.per_host(COSTS, "postgresql", "at_work") == 1 + 16 * 2
    assert fleets.per_host(COSTS, "redis", "at_work") == 6 + 16 * 5


def test_what_is_full_first_comes_first() -> None:
    found = fleets.order(COSTS, "hello")

    assert found[0][0] == "redis"
    assert [per_s for _, per_s, _ in found] == sorted(per_s for _, per_s, _ in found)
    assert found[0][1] == pytest.approx(1000)


def test_a_million_cost_what_they_take() -> None:
    bill = money.bill(COST, COSTS, money.Prices(vcpu_hour=0.06, gib_hour=0.6, gib_month=1, busy=0.5))

    assert bill.platform_hours == pytest.approx(18 / 3.6)
    assert bill.jail_hours == pytest.approx(20 / 3.6)
    assert bill.cpu_price == pytest.approx(38 / 3.6 * 2 * 0.06)
    assert bill.memory_gib_hours == pytest.approx(60 / 1024 * 0.05 * 1_000_000 / 3600 * 2)
    assert bill.disk_gib == pytest.approx(2048 * 1_000_000 / 2**30)


def test_everything_is_written_and_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleets, "PLAYED", 200)
    played = {name: [fleets.play(COSTS, name, hosts) for hosts in (1, 10)] for name in fleets.WORKLOADS}
    text = report.written(COSTS, COMPARED, played, money.Prices(), "here")
    picture = draw(report.charts(played))

    assert "throughput 10 %, p50 10 %, p95 15 %" in text
    assert "| 10 | Python, hello |" in text
    assert "Redis's CPUs, Python, hello | 1,000 |" in text
    assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314 - our own


def test_lines_stay_within_their_chart() -> None:
    picture = draw([Chart("a & b", "x", [Line("one", [(1, 0.5), (1000, 20_000)], dashed=True)])])
    line = next(one for one in ET.fromstring(picture).iter() if one.tag.endswith("polyline"))  # noqa: S314
    places = [tuple(map(float, each.split(","))) for each in line.attrib["points"].split()]

    assert places[0][0] == 84
    assert places[1][0] == 564
    assert all(34 <= y <= 270 for _, y in places)
    assert "a &amp; b" in picture


def test_tables_are_put_between_the_markers() -> None:
    document = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"

    assert report.put_between(document, "new") == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
    with pytest.raises(ValueError, match="no <!-- scaling:begin -->"):
        report.put_between("nothing", "new")
