"""Begin a regrade: say what it would be, then freeze what is selected into items, in one statement.

A submission is in one regrade that is not over, at most: of two that both have a candidate for it, the one that is
applied last would win by chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from domain import regrade, regrade_selection
from domain.db import BY_VALUES, Connection, Database
from domain.errors import Conflict, InvalidRequest, Problem
from domain.ids import new_id
from domain.regrade import Options, Regrade
from domain.regrade_selection import Selection

STARTED = "regrade_started"
MOST_NAMED = 5

SLOTS = "(SELECT coalesce(sum(cpus), 0) FROM hosts WHERE seen_at > now() - interval '60 s')"
AT_ONCE = f"greatest(1, {SLOTS} / 2)::integer"
"""How many of a regrade are under way at a time where nothing else is said: half of the live hosts' slots."""

# One at a time, so that two do not select the same.
_LOCK = "SELECT pg_advisory_xact_lock(54820, 0)"
_PATIENT = b"SET LOCAL statement_timeout = '10min'; " + BY_VALUES
"""For statements that are about everything that is selected, which may be much."""
_OPEN = "g.state IN ('running', 'paused', 'ready')"
_TAKEN = f"""
    SELECT i.regrade_id, count(*)
    FROM (SELECT s.id FROM {{chosen}}) AS chosen
        JOIN regrade_items AS i ON i.submission_id = chosen.id JOIN regrades AS g ON g.id = i.regrade_id AND {_OPEN}
    GROUP BY 1 ORDER BY 2 DESC LIMIT {MOST_NAMED}
"""
_FREEZE = f"""
    WITH chosen AS MATERIALIZED (
        SELECT s.id, e.id AS execution_id, row_number() OVER (ORDER BY s.created_at, s.id) - 1 AS position
        FROM {{chosen}}
    ), made AS (
        INSERT INTO regrades (id, state, selection, options, made_by, total)
        SELECT %(regrade_id)s, 'running', %(selection)s, %(options)s, %(made_by)s, count(*)
        FROM chosen HAVING count(*) > 0
        RETURNING {regrade.COLUMNS}
    ), frozen AS (
        INSERT INTO regrade_items (regrade_id, position, submission_id, old_execution_id)
        SELECT made.id, chosen.position, chosen.id, chosen.execution_id FROM made, chosen
    )
    SELECT * FROM made
"""
# What an execution took of a slot: its test cases, one after the other, and its compiler, in as many slots as it needs.
_ESTIMATE = """
    SELECT split_part(s.language, '@', 1), e.verdict, count(*),
        coalesce(sum(e.cpu_time_ms), 0)::bigint + coalesce(sum(c.cpu_time_ms), 0)::bigint,
        coalesce(sum(e.wall_time_ms), 0)::bigint + coalesce(sum(c.wall_time_ms), 0)::bigint,
        coalesce(sum(
            (coalesce(e.wall_time_ms, 0) + coalesce(c.wall_time_ms, 0)) * ((s.cpu_millicores + 999) / 1000)
        ), 0)::bigint
    FROM (SELECT s.id AS submission_id, e.id AS execution_id FROM {chosen}) AS chosen
        JOIN submissions AS s ON s.id = chosen.submission_id JOIN executions AS e ON e.id = chosen.execution_id
        LEFT JOIN telemetry AS c ON c.execution_id = e.id AND c.kind = 'compile'
    GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Estimate:
    """What a regrade would be about, and what it would cost, by what the current executions did."""

    total: int
    verdicts: Mapping[str, int]
    languages: Mapping[str, int]
    cpu_time_ms: int
    wall_time_ms: int
    slots: int
    """Of the hosts that live now."""
    at_once: int
    """How many would be under way at a time."""
    expected_s: float
    """How long it would take with nothing else to do."""


def estimate(db: Database, selection: Selection, options: Options) -> Estimate:
    """Say what a regrade would be; nothing is changed. Raises InvalidRequest for an empty selection, Unavailable."""
    _refuse_everything(selection)
    chosen, values = regrade_selection.query(selection)
    verdicts: dict[str, int] = {}
    languages: dict[str, int] = {}
    spent = [0, 0, 0]
    with db.read() as tx:
        tx.execute(_PATIENT)
        slots, at_once = tx.execute(f"SELECT {SLOTS}, {AT_ONCE}".encode()).fetchone() or (0, 1)
        for language, verdict, count, *times in tx.execute(_ESTIMATE.format(chosen=chosen).encode(), values):
            languages[language] = languages.get(language, 0) + count
            verdicts[verdict] = verdicts.get(verdict, 0) + count
            spent = [before + more for before, more in zip(spent, times, strict=True)]
    at_once = options.at_once or at_once
    cpu_ms, wall_ms, slot_ms = spent
    expected_s = slot_ms / 1000 / max(1, min(at_once, slots))
    return Estimate(sum(verdicts.values()), verdicts, languages, cpu_ms, wall_ms, slots, at_once, expected_s)


def start(db: Database, selection: Selection, options: Options, by: str) -> Regrade:
    """Select, and have it graded from now on; `by` is who does it, for the audit log.

    Raises InvalidRequest for an empty selection and where nothing is selected, Conflict where some of it is in a
    regrade that is not over, Unavailable.
    """
    _refuse_everything(selection)
    chosen, values = regrade_selection.query(selection)
    named = {
        **values,
        "regrade_id": new_id(),
        "selection": Jsonb(selection.stored()),
        "options": Jsonb(options.stored()),
        "made_by": by,
    }
    with db.transaction() as tx:
        tx.execute(_PATIENT)
        tx.execute(_LOCK)
        _refuse_taken(tx, chosen, values)
        row = tx.execute(_FREEZE.format(chosen=chosen).encode(), named).fetchone()
        if row is None:
            hint = "look at what `GET /v1/submissions` lists; only executions that are done are graded again"
            raise InvalidRequest(Problem("selection", "selects no submission", hint))
        made = regrade.read(row)
        regrade.note(tx, STARTED, by, made, selection=selection.stored(), options=options.stored())
    return made


def _refuse_everything(selection: Selection) -> None:
    if selection.empty:
        hint = "name a problem, a language, verdicts, a user, an owner, a time or ids"
        raise InvalidRequest(Problem("selection", "would select every submission there is", hint))


def _refuse_taken(tx: Connection, chosen: str, values: Mapping[str, object]) -> None:
    taken = tx.execute(_TAKEN.format(chosen=chosen).encode(), values).fetchall()
    if taken:
        where = ", ".join(f"{regrade_id} ({count})" for regrade_id, count in taken)
        raise Conflict(
            f"some of these submissions are in a regrade that is not over: {where}; apply or discard it before"
        )
