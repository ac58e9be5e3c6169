"""A plan is a pure function of its seed, and asks for everything that a run is about."""

from collections import Counter

from tests.chaos import plan
from tests.chaos.clients import parts
from tests.chaos.kinds import KINDS
from tests.chaos.plan import FAR, NEEDS_ROOT, Fault, Plan, Way

LANGUAGES = {kind.language for kind in KINDS}


def make(seed: int = 7, count: int = 2000, faults: tuple[Fault, ...] = tuple(Fault), **more: object) -> Plan:
    given: dict[str, object] = {"languages": LANGUAGES, "root": True, "regions": True, **more}
    return plan.make(seed, count, faults, **given)  # type: ignore[arg-type] # what a test leaves out is the usual


def test_the_same_seed_gives_the_same_plan() -> None:
    assert make() == make()
    assert make() != make(8)


def test_a_fault_less_leaves_the_submissions_as_they_are() -> None:
    assert make(faults=(Fault.API_KILLED,)).orders == make().orders


def test_all_faults_come_in_an_order_of_the_seed_while_submissions_are_still_to_come() -> None:
    strikes = make().strikes
    assert {strike.fault for strike in strikes} == set(Fault)
    counts = [strike.at for strike in strikes]
    assert counts == sorted(counts)
    assert counts[0] >= 100
    assert counts[-1] < 1800
    assert [one.fault for one in strikes] != [one.fault for one in make(8).strikes]


def test_it_mixes_languages_verdicts_ways_and_wishes() -> None:
    orders = make().orders
    assert {order.kind for order in orders} == set(KINDS)
    assert {order.kind.verdict for order in orders} == {"AC", "WA", "OK", "TLE", "MLE", "OLE", "RTE", "CE"}
    assert set(Way) == {order.way for order in orders}
    assert len({str(order.body["user_id"]) for order in orders}) == plan.USERS
    wishes = Counter(order.body.get("region") for order in orders)
    assert 300 < wishes[FAR] < 700
    assert 300 < sum(order.callback for order in orders) < 700


def test_it_asks_for_nothing_that_this_machine_has_not() -> None:
    made = make(languages={"python"}, root=False, regions=False)
    assert {order.kind.language for order in made.orders} == {"python"}
    assert not any(order.kind.needs_root for order in made.orders)
    assert not any("region" in order.body for order in made.orders)
    assert {strike.fault for strike in made.strikes} == set(Fault) - NEEDS_ROOT


def test_batches_are_of_one_key_and_leave_nothing_out() -> None:
    orders = make().orders
    sent = parts(orders)
    assert sorted(order.number for part in sent for order in part) == list(range(2000))
    assert all(len({order.hooked for order in part}) == 1 for part in sent)
    assert max(len(part) for part in sent) == plan.BATCH
