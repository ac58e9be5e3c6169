"""What must be true at the end: of the database, of what clients saw, and of what the receiver of webhooks was sent."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import psycopg
from psycopg.rows import class_row

from tests.chaos.clients import Seen, Sights
from tests.chaos.plan import Order, Plan
from tests.integration.webhooks.receiving import Request

# The current execution is the last that is no candidate of a regrade.
_ROWS = """
    SELECT s.id::text AS id, (s.metadata ->> 'order')::integer AS number, s.created_at,
        (SELECT count(*) FROM executions AS e WHERE e.submission_id = s.id) AS executions,
        e.state, e.verdict, e.reason, e.message, e.attempt, e.given_back, e.host, e.finished_at, s.region,
        (SELECT count(*) FROM test_results AS r WHERE r.execution_id = e.id) AS results,
        (SELECT count(*) FROM deliveries AS d WHERE d.execution_id = e.id) AS deliveries,
        (SELECT count(*) FROM deliveries AS d WHERE d.execution_id = e.id AND d.state = 'delivered') AS delivered
    FROM submissions AS s LEFT JOIN LATERAL (
        SELECT * FROM executions WHERE submission_id = s.id AND NOT candidate ORDER BY number DESC LIMIT 1
    ) AS e ON true
    WHERE s.metadata ? 'order' ORDER BY s.created_at
"""


class Sort(StrEnum):
    """What can be wrong with a submission."""

    LOST = "lost"
    """Accepted, and it has no final result, or one of its webhooks never came."""
    DOUBLED = "doubled"
    """There twice, graded twice, or told under two ids."""
    WRONG = "wrong"
    """A verdict, a result or an answer that should be another."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong."""

    number: int
    """Of the order; -1 where it is of none."""
    sort: Sort
    what: str


@dataclass(frozen=True)
class Row:
    """A submission with its current execution, as the database has it."""

    id: str
    number: int
    created_at: datetime
    executions: int
    state: str
    verdict: str | None
    reason: str | None
    message: str
    attempt: int
    given_back: int
    host: str | None
    finished_at: datetime | None
    region: str | None
    results: int
    deliveries: int
    delivered: int


def rows(database_url: str) -> list[Row]:
    """Read what came of every submission of a plan."""
    with psycopg.connect(database_url) as connection:
        return connection.cursor(row_factory=class_row(Row)).execute(_ROWS.encode()).fetchall()


def wrong(plan: Plan, sights: Sights, found: Sequence[Row], told: Sequence[Request]) -> list[Fault]:
    """List everything that is not as it must be."""
    by_number: dict[int, list[Row]] = {}
    for row in found:
        by_number.setdefault(row.number, []).append(row)
    hooks = _hooks(told)
    faults = [Fault(-1, Sort.WRONG, what) for what in sights.broken]
    for order in plan.orders:
        seen, own = sights.orders.get(order.number, Seen()), by_number.get(order.number, [])
        faults += _of_clients(order, seen)
        faults += _of_rows(order, seen, own)
        for row in own:
            faults += _of_webhooks(order, row, hooks)
    return faults


def _of_clients(order: Order, seen: Seen) -> Iterable[Fault]:
    """Look at what the sender saw."""
    if seen.complaint:
        sort = Sort.DOUBLED if "twice" in seen.complaint else Sort.WRONG
        yield Fault(order.number, sort, f"{order.kind.name}, sent by {order.way}: {seen.complaint}")
    if not seen.id:
        yield Fault(order.number, Sort.LOST, "it was never accepted")
    elif seen.submission is not None:
        execution = seen.submission["execution"]
        results = execution["test_results"]
        if (execution["verdict"], len(results)) != (order.kind.verdict, order.kind.results):
            said = f"its sender reads {execution['state']} {execution['verdict']} with {len(results)} results"
            yield Fault(order.number, Sort.WRONG, f"{order.kind.name} must be {order.kind.verdict}, but {said}")


def _of_rows(order: Order, seen: Seen, own: Sequence[Row]) -> Iterable[Fault]:
    """Look at what the database has."""
    if len(own) > 1:
        yield Fault(order.number, Sort.DOUBLED, f"it is there {len(own)} times: {', '.join(row.id for row in own)}")
    if seen.id and seen.id not in {row.id for row in own}:
        yield Fault(order.number, Sort.LOST, f"{seen.id} was accepted, and is not there")
    for row in own:
        if row.executions != 1:
            yield Fault(order.number, Sort.DOUBLED, f"{row.id} has {row.executions} executions")
        if row.state != "done":
            yield Fault(order.number, Sort.LOST, f"{row.id}, {order.kind.name}, is {row.state} for ever")
        elif (row.verdict, row.results) != (order.kind.verdict, order.kind.results):
            yield Fault(order.number, Sort.WRONG, _compared(order, row))


def _compared(order: Order, row: Row) -> str:
    return (
        f"{row.id}, {order.kind.name}, must be {order.kind.verdict} with {order.kind.results} results, but is"
        f" {row.verdict} {row.reason or ''} with {row.results}, attempt {row.attempt} ({row.given_back} given back)"
        f" on {row.host}: {row.message}"
    )


def _of_webhooks(order: Order, row: Row, hooks: "Mapping[str, Counter[str]]") -> Iterable[Fault]:
    """Look at what was to be told, and what came."""
    wanted = int(order.callback) + int(order.hooked)
    if row.deliveries != wanted:
        sort = Sort.LOST if row.deliveries < wanted else Sort.DOUBLED
        yield Fault(order.number, sort, f"{row.id} has {row.deliveries} deliveries, and should have {wanted}")
    if row.delivered != row.deliveries:
        yield Fault(order.number, Sort.LOST, f"{row.deliveries - row.delivered} webhooks of {row.id} are not delivered")
    came = hooks.get(row.id, Counter())
    if len(came) != wanted:
        sort = Sort.LOST if len(came) < wanted else Sort.DOUBLED
        yield Fault(order.number, sort, f"the receiver has {len(came)} deliveries of {row.id}, and not {wanted}")


def _hooks(told: Sequence[Request]) -> "dict[str, Counter[str]]":
    """Count what came, by submission and by the id of the delivery; the same one may come more than once."""
    found: dict[str, Counter[str]] = {}
    for request in told:
        submission_id = str(json.loads(request.body)["data"]["id"])
        found.setdefault(submission_id, Counter())[request.id] += 1
    return found
