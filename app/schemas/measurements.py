"""Measurements as OpenAPI tells of them. They are made by `usage.py`."""

from dataclasses import fields as fields_of

from marshmallow import Schema, fields

from domain.model import Phases
from domain.telemetry import COUNTERS


class UsageAnswer(Schema):
    """What was spent."""

    cpu_time_ms = fields.Integer(required=True)
    wall_time_ms = fields.Integer(required=True)
    memory_bytes = fields.Integer(required=True, allow_none=True)
    source = fields.String(metadata={"description": "Only where it is not `cgroup`."})


RunTelemetryAnswer = Schema.from_dict(
    {
        **{name: fields.Integer(required=True, allow_none=True) for name in COUNTERS if name != "mode"},
        "mode": fields.String(required=True, allow_none=True, metadata={"description": "How the jail came to be."}),
        "sources": fields.Dict(required=True, metadata={"description": "Who counted what."}),
        "denied_syscalls": fields.Dict(required=True, metadata={"description": "How often each was made."}),
    },
    name="RunTelemetryAnswer",
)
"""What one run was seen to do; what is unknown is null."""

PhasesAnswer = Schema.from_dict(
    {field.name: fields.Integer(required=True, allow_none=True) for field in fields_of(Phases)}, name="PhasesAnswer"
)
"""Milliseconds of wall time by phase; null where there was none."""


class TelemetryAnswer(Schema):
    """What is known of an execution beyond its verdict."""

    phases = fields.Nested(PhasesAnswer, required=True)
    host = fields.String(required=True, allow_none=True)
    region = fields.String(required=True, allow_none=True)
    worker = fields.String(required=True, allow_none=True)
    versions = fields.Dict(required=True)
    compile = fields.Nested(RunTelemetryAnswer, required=True, allow_none=True)
    compile_usage = fields.Nested(UsageAnswer, required=True, allow_none=True)
    compile_cache = fields.String(required=True, allow_none=True)
    execution_cache = fields.String(required=True, allow_none=True)
    language_metrics = fields.Dict(required=True, allow_none=True)
