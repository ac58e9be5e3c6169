"""Regrades and what they change on their way out, and as OpenAPI tells of them."""

from collections.abc import Sequence

from marshmallow import Schema, fields

from app.schemas import links
from app.schemas.documents import Links, word
from app.schemas.paging import Page, next_cursor
from app.schemas.response import Json, time_json, verdict_json
from domain.history import Past
from domain.regrade import Regrade, RegradeState, Seed, Version
from domain.regrade_diff import Graded, Item, Move
from domain.regrade_start import Estimate
from domain.verdict import State, Verdict


class RegradeOptions(Schema):
    """How it is graded again."""

    version = word([*Version])
    seed = word([*Seed])
    at_once = fields.Integer(required=True, allow_none=True)


class RegradeCounts(Schema):
    """How far a regrade is."""

    selected = fields.Integer(required=True)
    done = fields.Integer(required=True)
    changed = fields.Integer(
        required=True, metadata={"description": "Of those done: another verdict, or other points, than before."}
    )
    failed = fields.Integer(
        required=True, metadata={"description": "Of those done: JE, or cancelled. They never take a result's place."}
    )
    applied = fields.Integer(required=True)


class RegradeAnswer(Schema):
    """A regrade."""

    id = fields.UUID(required=True)
    links = fields.Dict(required=True)
    state = word([*RegradeState])
    selection = fields.Dict(required=True)
    options = fields.Nested(RegradeOptions, required=True)
    made_by = fields.String(required=True)
    counts = fields.Nested(RegradeCounts, required=True)
    created_at = fields.DateTime(required=True)
    ready_at = fields.DateTime(required=True, allow_none=True)
    ended_at = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "When it was applied or discarded."}
    )
    ended_by = fields.String(required=True, allow_none=True)


class RegradesAnswer(Schema):
    """Regrades, newest first."""

    regrades = fields.List(fields.Nested(RegradeAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class MoveAnswer(Schema):
    """How many went from one verdict to another."""

    old = word([*Verdict])
    new = word([*Verdict])
    count = fields.Integer(required=True)


class OneRegradeAnswer(RegradeAnswer):
    """A regrade with its table of old and new verdicts, of all that are done."""

    matrix = fields.List(fields.Nested(MoveAnswer), required=True)


class EstimateAnswer(Schema):
    """What a regrade would be, and what it would cost, by what the current executions did."""

    selected = fields.Integer(required=True)
    verdicts = fields.Dict(required=True)
    languages = fields.Dict(required=True)
    cpu_time_ms = fields.Integer(required=True)
    wall_time_ms = fields.Integer(required=True)
    slots = fields.Integer(required=True, metadata={"description": "Of the hosts that live now."})
    at_once = fields.Integer(required=True)
    expected_s = fields.Float(
        required=True, metadata={"description": "How long it would take if there was nothing else to do."}
    )


class GradedAnswer(Schema):
    """What one execution of a submission came to."""

    execution_id = fields.UUID(required=True)
    verdict = word([*Verdict], nullable=True)
    reason = fields.String(required=True, allow_none=True)
    points = fields.Float(required=True, allow_none=True)
    cpu_time_ms = fields.Integer(required=True, allow_none=True)


class RegradeItemAnswer(Schema):
    """One submission of a regrade; `new` is left out while it waits."""

    index = fields.Integer(required=True)
    state = word(["waiting", "queued", "done"])
    changed = fields.Boolean(required=True, allow_none=True)
    submission_id = fields.UUID(required=True)
    problem_id = fields.String(required=True, allow_none=True)
    user_id = fields.String(required=True, allow_none=True)
    language = fields.String(required=True)
    old = fields.Nested(GradedAnswer, required=True)
    new = fields.Nested(GradedAnswer)
    time_ratio = fields.Float(
        required=True, allow_none=True, metadata={"description": "CPU time of the new one by that of the old one."}
    )


class RegradeItemsAnswer(Schema):
    """Submissions of a regrade, in the order in which they were sent."""

    items = fields.List(fields.Nested(RegradeItemAnswer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PastAnswer(Schema):
    """An execution in short."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    current = fields.Boolean(required=True)
    state = word([*State])
    verdict = word([*Verdict], nullable=True)
    reason = fields.String(required=True, allow_none=True)
    points = fields.Float(required=True, allow_none=True)
    regrade_id = fields.UUID(required=True, allow_none=True)
    candidate = fields.Boolean(
        required=True, metadata={"description": "Its regrade was not applied; operators alone see it."}
    )
    queued_at = fields.DateTime(required=True)
    finished_at = fields.DateTime(required=True, allow_none=True)


class HistoryAnswer(Schema):
    """All executions of a submission, oldest first."""

    id = fields.UUID(required=True)
    links = fields.Nested(Links, required=True)
    executions = fields.List(fields.Nested(PastAnswer), required=True)


def regrade_json(found: Regrade) -> Json:
    """Give a regrade."""
    return {
        "id": str(found.id),
        "links": links.regrade(found.id),
        "state": found.state.value,
        "selection": dict(found.selection.stored()),
        "options": dict(found.options.stored()),
        "made_by": found.made_by,
        "counts": {
            "selected": found.total,
            "done": found.done,
            "changed": found.changed,
            "failed": found.failed,
            "applied": found.applied,
        },
        "created_at": time_json(found.created_at),
        "ready_at": time_json(found.ready_at),
        "ended_at": time_json(found.ended_at),
        "ended_by": found.ended_by,
    }


def regrades_json(found: Sequence[Regrade], asked: Page) -> Json:
    """Give a page of regrades; a cursor where there may be more."""
    return {"regrades": list(map(regrade_json, found)), "next_cursor": next_cursor(found, asked)}


def matrix_json(moves: Sequence[Move]) -> list[Json]:
    """Give the table of old and new verdicts."""
    return [{"old": move.old.value, "new": move.new.value, "count": move.count} for move in moves]


def estimate_json(found: Estimate) -> Json:
    """Give what a regrade would be."""
    return {
        "selected": found.total,
        "verdicts": dict(found.verdicts),
        "languages": dict(found.languages),
        "cpu_time_ms": found.cpu_time_ms,
        "wall_time_ms": found.wall_time_ms,
        "slots": found.slots,
        "at_once": found.at_once,
        "expected_s": round(found.expected_s, 1),
    }


def item_json(item: Item) -> Json:
    """Give one submission of a regrade."""
    return {
        "index": item.position,
        "state": item.state,
        "changed": item.changed,
        "submission_id": str(item.submission_id),
        "problem_id": item.problem_id,
        "user_id": item.user_id,
        "language": item.language,
        "old": _graded_json(item.old),
        **({} if item.new is None else {"new": _graded_json(item.new)}),
        "time_ratio": item.time_ratio,
    }


def items_json(found: Sequence[Item], limit: int) -> Json:
    """Give a page of them; a cursor where there may be more."""
    more = str(found[-1].position + 1) if len(found) == limit else None
    return {"items": list(map(item_json, found)), "next_cursor": more}


def _graded_json(graded: Graded) -> Json:
    return {
        "execution_id": str(graded.execution_id),
        "verdict": verdict_json(graded.verdict),
        "reason": graded.reason,
        "points": graded.points,
        "cpu_time_ms": graded.cpu_time_ms,
    }


def past_json(past: Past) -> Json:
    """Give an execution in short."""
    return {
        "id": str(past.id),
        "number": past.number,
        "current": past.current,
        "state": past.state.value,
        "verdict": verdict_json(past.verdict),
        "reason": past.reason,
        "points": past.points,
        "regrade_id": None if past.regrade_id is None else str(past.regrade_id),
        "candidate": past.candidate,
        "queued_at": time_json(past.queued_at),
        "finished_at": time_json(past.finished_at),
    }
