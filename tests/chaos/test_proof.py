"""What the proof takes for lost, doubled and wrong."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from tests.chaos import proof
from tests.chaos.clients import Seen, Sights
from tests.chaos.kinds import BY_NAME
from tests.chaos.plan import Order, Plan, Way
from tests.chaos.proof import Row, Sort
from tests.integration.webhooks.receiving import Request

ORDER = Order(0, BY_NAME["hello"], {}, Way.POST, callback=True, hooked=False)
PLAN = Plan(1, (ORDER,), ())
NOW = datetime(2026, 11, 26, tzinfo=UTC)
ROW = Row("a", 0, NOW, 1, "done", "OK", None, "", 1, 0, "near", NOW, None, 1, 1, 1)


def told(submission_id: str = "a", delivery: str = "d") -> Request:
    return Request("/ok?order=0", {"webhook-id": delivery}, json.dumps({"data": {"id": submission_id}}))


def seen(verdict: str | None = "OK", submission_id: str = "a", complaint: str = "") -> Sights:
    execution: dict[str, object] = {"state": "done", "verdict": verdict, "test_results": [{}]}
    return Sights({0: Seen(submission_id, 1.0, cast("Any", {"execution": execution}), complaint)})


def sorts(sights: Sights, rows: list[Row], requests: list[Request]) -> set[Sort]:
    return {fault.sort for fault in proof.wrong(PLAN, sights, rows, requests)}


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert proof.wrong(PLAN, seen(), [ROW], [told()]) == []


def test_a_webhook_may_come_twice_under_the_same_id() -> None:
    assert proof.wrong(PLAN, seen(), [ROW], [told(), told()]) == []


@pytest.mark.parametrize(
    ("sights", "rows", "requests", "sort"),
    [
        (Sights(), [ROW], [told()], Sort.LOST),
        (seen(), [], [told()], Sort.LOST),
        (seen(), [replace(ROW, state="queued", verdict=None)], [told()], Sort.LOST),
        (seen(), [ROW], [], Sort.LOST),
        (seen(), [replace(ROW, delivered=0)], [told()], Sort.LOST),
        (seen(), [ROW, replace(ROW, id="b")], [told(), told("b")], Sort.DOUBLED),
        (seen(), [replace(ROW, executions=2)], [told()], Sort.DOUBLED),
        (seen(), [ROW], [told(), told(delivery="e")], Sort.DOUBLED),
        (seen(complaint="accepted twice, as a and b"), [ROW], [told()], Sort.DOUBLED),
        (seen(), [replace(ROW, verdict="JE")], [told()], Sort.WRONG),
        (seen(), [replace(ROW, results=0)], [told()], Sort.WRONG),
        (seen("JE"), [ROW], [told()], Sort.WRONG),
        (seen(complaint="2 events tell of its end"), [ROW], [told()], Sort.WRONG),
    ],
)
def test_what_is_not_right_is_found(sights: Sights, rows: list[Row], requests: list[Request], sort: Sort) -> None:
    assert sorts(sights, rows, requests) == {sort}


def test_an_answer_that_no_client_can_act_on_is_wrong() -> None:
    sights = seen()
    sights.broken.append("POST /v1/submissions: 500")
    assert sorts(sights, [ROW], [told()]) == {Sort.WRONG}
