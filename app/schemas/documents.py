"""Answers as OpenAPI tells of them. They are made by `response.py`; tests compare the two."""

from typing import ClassVar

from marshmallow import Schema, fields

from app.schemas.fields import BYTES_SHAPES
from app.schemas.measurements import RunTelemetryAnswer, TelemetryAnswer, UsageAnswer
from domain.interaction import Speaker
from domain.model import Priority
from domain.verdict import State, Verdict

_BYTES_OR_NULL = {"anyOf": [*BYTES_SHAPES, {"type": "null"}]}


def _nullable_bytes(**more: object) -> fields.Raw:
    return fields.Raw(metadata={**_BYTES_OR_NULL, **more})


def word(words: list[str], *, nullable: bool = False) -> fields.Raw:
    """Document one of a few words."""
    if nullable:
        return fields.Raw(required=True, metadata={"type": ["string", "null"], "enum": [*words, None]})
    return fields.Raw(required=True, metadata={"type": "string", "enum": words})


class FieldErrorAnswer(Schema):
    """One bad field."""

    field = fields.String(required=True, metadata={"description": "JSON path: test_cases[3].timeout_ms"})
    message = fields.String(required=True, metadata={"description": "What is wrong."})
    hint = fields.String(required=True, metadata={"description": "What to do."})


class ErrorBody(Schema):
    """What went wrong."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    fields = fields.List(fields.Nested(FieldErrorAnswer), required=True)  # type: ignore[assignment]


class ErrorAnswer(Schema):
    """The one shape of all errors."""

    error = fields.Nested(ErrorBody, required=True)
    request_id = fields.String(
        required=True, metadata={"description": "As in the header X-Request-ID: tell it to the operator."}
    )


class Links(Schema):
    """Where things of it are, as paths."""

    self = fields.String(required=True)


class ConstraintsAnswer(Schema):
    """Constraints as they are applied."""

    timeout_ms = fields.Integer(required=True)
    wall_timeout_ms = fields.Integer(required=True)
    memory_mb = fields.Integer(required=True)
    cpu_millicores = fields.Integer(required=True)
    disk_mb = fields.Integer(required=True)
    output_kb = fields.Integer(required=True)
    processes = fields.Integer(required=True)
    network_enabled = fields.Boolean(required=True)
    network_rules = fields.List(fields.Dict(), metadata={"description": "Only where the request had some."})


class ArtifactAnswer(Schema):
    """A file that `outputs` asked for."""

    path = fields.String(required=True)
    size_bytes = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    truncated = fields.Boolean(required=True)
    url = fields.String(required=True)


class SaidAnswer(Schema):
    """What one of two programs that talk said before the other spoke."""

    speaker = fields.Raw(required=True, data_key="from", metadata={"type": "string", "enum": [*Speaker]})
    data = fields.Raw(required=True, metadata={"anyOf": BYTES_SHAPES})


class TestResultAnswer(Schema):
    """What became of one test case. A hidden one has name, is_hidden, verdict, reason, usage and points only."""

    __test__: ClassVar[bool] = False

    name = fields.String(required=True)
    is_hidden = fields.Boolean(required=True)
    verdict = word([*Verdict], nullable=True)
    reason = fields.String(required=True, allow_none=True)
    usage = fields.Nested(UsageAnswer, required=True, allow_none=True)
    points = fields.Float(required=True, allow_none=True)
    group = fields.String(allow_none=True)
    cached = fields.Boolean(
        metadata={
            "description": "Only where nothing was run: result, usage and telemetry are of an earlier run of the same."
        }
    )
    message = fields.String(allow_none=True)
    exit_code = fields.Integer(allow_none=True)
    exit_signal = fields.Integer(allow_none=True)
    stdout = _nullable_bytes()
    stderr = _nullable_bytes()
    interaction = fields.List(
        fields.Nested(SaidAnswer),
        metadata={"description": "What the program and its interactor said to each other, in order, where it has one."},
    )
    truncated = fields.List(
        fields.String(),
        metadata={"description": "Fields that were cut; `artifacts` where `outputs` meant more than was kept."},
    )
    links = fields.Dict(metadata={"description": "The whole of what was cut."})
    artifacts = fields.List(fields.Nested(ArtifactAnswer))
    telemetry = fields.Nested(RunTelemetryAnswer, allow_none=True)


class TestGroupAnswer(Schema):
    """What became of a test group."""

    __test__: ClassVar[bool] = False

    name = fields.String(required=True)
    parent = fields.String(required=True, allow_none=True)
    verdict = word([*Verdict], nullable=True)
    points = fields.Float(required=True, allow_none=True)
    max_points = fields.Float(required=True, allow_none=True)


class ExecutionAnswer(Schema):
    """One grading of a submission."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    state = word([*State])
    verdict = word([*Verdict], nullable=True)
    reason = fields.String(required=True, allow_none=True)
    message = fields.String(required=True, allow_none=True)
    exit_code = fields.Integer(required=True, allow_none=True)
    stdout = _nullable_bytes(description="Of the only test case; null where there are several.")
    stderr = _nullable_bytes()
    compile_output = _nullable_bytes()
    truncated = fields.List(fields.String())
    links = fields.Dict()
    test_results = fields.List(fields.Nested(TestResultAnswer), required=True)
    points = fields.Float(required=True, allow_none=True)
    test_groups = fields.List(
        fields.Nested(TestGroupAnswer),
        required=True,
        metadata={"description": "Outer groups first; empty where there are none, and until it is done."},
    )
    tests_run = fields.Integer(required=True)
    tests_passed = fields.Integer(required=True)
    all_tests_passed = fields.Boolean(required=True)
    usage = fields.Nested(UsageAnswer, required=True, allow_none=True)
    telemetry = fields.Nested(TelemetryAnswer, required=True, allow_none=True)
    queued_at = fields.DateTime(required=True)
    started_at = fields.DateTime(required=True, allow_none=True)
    finished_at = fields.DateTime(required=True, allow_none=True)


class SubmissionAnswer(Schema):
    """A submission with its current execution."""

    id = fields.UUID(required=True)
    links = fields.Nested(Links, required=True)
    created_at = fields.DateTime(required=True)
    language = fields.String(required=True)
    entry_point = fields.String(required=True, allow_none=True)
    priority = word([*Priority])
    region = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Where it was asked to run; telemetry says where it did."},
    )
    metadata = fields.Dict(required=True)
    user_id = fields.String(required=True, allow_none=True)
    problem_id = fields.String(required=True, allow_none=True)
    problem_version = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Of the stored problem that it is judged by; null where test cases were sent."},
    )
    interactive = fields.Boolean(required=True)
    constraints = fields.Nested(ConstraintsAnswer, required=True)
    execution = fields.Nested(ExecutionAnswer, required=True)


class ExecutionSummary(Schema):
    """An execution in a list."""

    id = fields.UUID(required=True)
    state = word([*State])
    verdict = word([*Verdict], nullable=True)
    reason = fields.String(required=True, allow_none=True)
    points = fields.Float(required=True, allow_none=True)


class SubmissionSummary(Schema):
    """A submission in a list."""

    id = fields.UUID(required=True)
    links = fields.Nested(Links, required=True)
    created_at = fields.DateTime(required=True)
    language = fields.String(required=True)
    priority = word([*Priority])
    user_id = fields.String(required=True, allow_none=True)
    problem_id = fields.String(required=True, allow_none=True)
    execution = fields.Nested(ExecutionSummary, required=True)


class PageAnswer(Schema):
    """Submissions, newest first."""

    submissions = fields.List(fields.Nested(SubmissionSummary), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class LanguageAnswer(Schema):
    """A language."""

    name = fields.String(required=True)
    title = fields.String(required=True)
    versions = fields.List(fields.String(), required=True, metadata={"description": "What may stand behind `@`."})
    default_version = fields.String(required=True)
    main_file = fields.String(required=True)
    available = fields.Boolean(required=True)
    version = fields.String(required=True, allow_none=True, metadata={"description": "Of what is installed."})
    install = fields.String(required=True, allow_none=True, metadata={"description": "What would make it available."})


class LanguagesAnswer(Schema):
    """All languages."""

    languages = fields.List(fields.Nested(LanguageAnswer), required=True)


class CheckAnswer(Schema):
    """One part that is needed."""

    name = fields.String(required=True)
    ok = fields.Boolean(required=True)
    message = fields.String(required=True)


class HealthAnswer(Schema):
    """Whether requests can be served."""

    status = word(["ok", "degraded", "unavailable"])
    checks = fields.List(fields.Nested(CheckAnswer), required=True)


class IndexAnswer(Schema):
    """What this is."""

    name = fields.String(required=True)
    version = fields.String(required=True)
    links = fields.Dict(required=True)


def list_of(schema: str) -> dict[str, object]:
    """Say that an answer is a list."""
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{schema}"}}
