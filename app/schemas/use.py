"""What is spent of limits of use, as an answer."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from app.schemas.response import Json
from domain.fair import User
from domain.usage_limits import Use


class WindowAnswer(Schema):
    """A window of the rate of submissions."""

    limit = fields.Integer(required=True, metadata={"description": "Submissions in one window."})
    window_s = fields.Integer(required=True)
    remaining = fields.Integer(required=True)
    reset_s = fields.Integer(required=True, metadata={"description": "There is more room by then."})


class ExecutionsAnswer(Schema):
    """What is under way."""

    running = fields.Integer(required=True)
    queued = fields.Integer(required=True)
    at_once = fields.Integer(
        required=True, metadata={"description": "So many are in the message queue or at work; the others wait."}
    )


class CpuAnswer(Schema):
    """CPU time of this day, by UTC."""

    spent_ms = fields.Integer(required=True)
    budget_s = fields.Integer(required=True, allow_none=True, metadata={"description": "Null: as much as you like."})
    reset_s = fields.Integer(required=True, metadata={"description": "Counted anew after so many seconds."})


class UseAnswer(Schema):
    """The caller's limits of use, and how they stand."""

    user_id = fields.String(required=True, allow_none=True)
    rate = fields.List(
        fields.Nested(WindowAnswer),
        required=True,
        metadata={"description": "Empty where there is no such limit, or it cannot be counted at the moment."},
    )
    executions = fields.Nested(ExecutionsAnswer, required=True)
    cpu = fields.Nested(CpuAnswer, required=True)
    ceilings = fields.Dict(
        required=True, metadata={"description": "The most that a submission may ask for, by constraint."}
    )


def use_json(user: User, use: Use, ceilings: Mapping[str, int]) -> Json:
    """Give what a user has spent and has left."""
    rate: list[Any] = [
        {"limit": one.limit, "window_s": one.seconds, "remaining": one.remaining, "reset_s": one.reset_s}
        for one in use.windows
    ]
    return {
        "user_id": user.name or None,
        "rate": rate,
        "executions": {"running": use.running, "queued": use.queued, "at_once": use.at_once},
        "cpu": {"spent_ms": use.spent_cpu_ms, "budget_s": use.budget_cpu_s, "reset_s": use.day_ends_s},
        "ceilings": dict(ceilings),
    }
