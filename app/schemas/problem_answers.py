"""Problems as answers, and as OpenAPI tells of them. What is secret is left out here, once, for every way out."""

from collections.abc import Callable, Sequence
from dataclasses import asdict

from marshmallow import Schema, fields

from app.schemas import links
from app.schemas.bytes import bytes_json
from app.schemas.documents import ConstraintsAnswer, word
from app.schemas.fields import BYTES_SHAPES
from app.schemas.response import Json, constraints_json, time_json
from domain.document import Document
from domain.payload import Payload
from domain.problem import ProblemCase, ProblemVersion, Statement, VersionState, Visibility
from domain.problem_reading import ProblemEntry, ProblemView, VersionEntry
from domain.problems import Made
from domain.views import Shown

Show = Callable[[Payload | None], Shown | None]
_DATA = {"anyOf": [*BYTES_SHAPES, {"type": "null"}]}


class FindingAnswer(Schema):
    """One line of what checking a version found."""

    stage = fields.String(required=True)
    name = fields.String(required=True)
    ok = fields.Boolean(required=True)
    message = fields.String(required=True)


class ProblemVersionAnswer(Schema):
    """A version without what is in it. `report` is for its author and for operators."""

    number = fields.Integer(required=True)
    state = word([*VersionState])
    title = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    checked_at = fields.DateTime(required=True, allow_none=True)
    created_by = fields.UUID(metadata={"description": "For author and operators."})
    report = fields.List(fields.Nested(FindingAnswer))


class ProblemVersionsAnswer(Schema):
    """All versions, newest first."""

    versions = fields.List(fields.Nested(ProblemVersionAnswer), required=True)


class NewProblemAnswer(Schema):
    """A version that was just kept."""

    id = fields.String(required=True)
    links = fields.Dict(required=True)
    version = fields.Integer(required=True)
    state = word([*VersionState])


class ProblemSummary(Schema):
    """A problem in a list."""

    id = fields.String(required=True)
    links = fields.Dict(required=True)
    title = fields.String(required=True)
    visibility = word([*Visibility])
    created_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)
    state = word([*VersionState])


class ProblemPageAnswer(Schema):
    """Problems, by id."""

    problems = fields.List(fields.Nested(ProblemSummary), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class StatementAnswer(Schema):
    """A statement, to be read at its link."""

    language = fields.String(required=True)
    title = fields.String(required=True)
    url = fields.String(required=True)


class AttachmentAnswer(Schema):
    """An attachment, to be read at its link."""

    path = fields.String(required=True)
    size_bytes = fields.Integer(required=True)
    url = fields.String(required=True)


class SampleAnswer(Schema):
    """A test case with its data, which is cut at 64 KiB: then `truncated` names what was."""

    name = fields.String(required=True)
    description = fields.String(required=True)
    input = fields.Raw(required=True, metadata=_DATA)
    expected_output = fields.Raw(required=True, metadata=_DATA)
    truncated = fields.List(fields.String())


class ProblemCaseAnswer(SampleAnswer):
    """A test case as author and operators see it. Its data is shown where `reveal` asks for that."""

    input = fields.Raw(metadata=_DATA)
    expected_output = fields.Raw(metadata=_DATA)
    is_hidden = fields.Boolean(required=True)
    points = fields.Float(required=True, allow_none=True)
    group = fields.String(required=True, allow_none=True)
    timeout_ms = fields.Integer(required=True, allow_none=True)


class SamplesAnswer(Schema):
    """The test cases that everybody may see."""

    samples = fields.List(fields.Nested(SampleAnswer), required=True)


class ProblemAnswer(Schema):
    """A problem with its newest version that is ready."""

    id = fields.String(required=True)
    links = fields.Dict(required=True)
    title = fields.String(required=True)
    visibility = word([*Visibility])
    created_at = fields.DateTime(required=True)
    version = fields.Nested(ProblemVersionAnswer, required=True)
    constraints = fields.Nested(ConstraintsAnswer, required=True)
    language_constraints = fields.Dict(required=True)
    languages = fields.List(fields.String(), required=True, metadata={"description": "Empty: all."})
    checker_type = fields.String(required=True)
    is_interactive = fields.Boolean(required=True)
    statements = fields.List(fields.Nested(StatementAnswer), required=True)
    attachments = fields.List(fields.Nested(AttachmentAnswer), required=True)
    samples = fields.Integer(required=True, metadata={"description": "How many."})
    secret_cases = fields.Integer(required=True, metadata={"description": "How many."})
    points = fields.Float(required=True, allow_none=True, metadata={"description": "Of all test cases together."})
    metadata = fields.Dict(required=True)


class WholeVersionAnswer(ProblemAnswer):
    """A version as author and operators see it."""

    test_cases = fields.List(fields.Nested(ProblemCaseAnswer), required=True)


def made_json(made: Made) -> Json:
    """Give what became of what was sent."""
    return {
        "id": made.problem_id,
        "links": links.problem(made.problem_id),
        "version": made.number,
        "state": made.state.value,
    }


def page_json(found: Sequence[ProblemEntry], limit: int) -> Json:
    """Give a page of problems; a cursor where there may be more."""
    cursor = found[-1].id if len(found) == limit else None
    return {"problems": [_summary_json(entry) for entry in found], "next_cursor": cursor}


def _summary_json(entry: ProblemEntry) -> Json:
    return {
        "id": entry.id,
        "links": links.problem(entry.id),
        "title": entry.version.title,
        "visibility": entry.visibility.value,
        "created_at": time_json(entry.created_at),
        "version": entry.version.number,
        "state": entry.version.state.value,
    }


def version_json(version: VersionEntry, *, is_open: bool) -> Json:
    """Give a version without what is in it; what its check said may tell of secret test cases."""
    known: Json = {
        "number": version.number,
        "state": version.state.value,
        "title": version.title,
        "created_at": time_json(version.created_at),
        "checked_at": time_json(version.checked_at),
    }
    if not is_open:
        return known
    return known | {
        "created_by": str(version.created_by),
        "report": [asdict(finding) for finding in version.report],
    }


def problem_json(view: ProblemView) -> Json:
    """Give a problem as whoever may see it does."""
    entry, content = view.entry, view.content
    hidden = sum(case.is_hidden for case in content.test_cases)
    points = [case.points for case in content.test_cases if case.points is not None]
    return {
        "id": entry.id,
        "links": links.problem(entry.id),
        "title": content.title,
        "visibility": entry.visibility.value,
        "created_at": time_json(entry.created_at),
        "version": version_json(entry.version, is_open=view.is_open),
        "constraints": constraints_json(content.constraints),
        "language_constraints": {name: dict(changed) for name, changed in content.language_constraints.items()},
        "languages": list(content.languages),
        "checker_type": content.checker.type.value,
        "is_interactive": content.judging.interactor is not None,
        "statements": [
            {
                "language": one.language,
                "title": one.title or content.title,
                "url": links.statement(entry.id, one.language),
            }
            for one in content.statements
        ],
        "attachments": [_attachment_json(entry.id, one) for one in content.attachments],
        "samples": len(content.test_cases) - hidden,
        "secret_cases": hidden,
        "points": sum(points) if points else None,
        "metadata": dict(content.metadata),
    }


def _statement_json(problem_id: str, one: Statement, title: str) -> Json:
    return {"language": one.language, "title": one.title or title, "url": links.statement(problem_id, one.language)}


def _attachment_json(problem_id: str, one: Document) -> Json:
    return {"path": one.path, "size_bytes": one.size_bytes, "url": links.attachment(problem_id, one.path)}


def whole_json(view: ProblemView, show: Show, *, reveal: bool) -> Json:
    """Give a version as its author sees it; data of test cases only where it was asked for."""
    return problem_json(view) | {
        "test_cases": [_case_json(case) | (data_json(case, show) if reveal else {}) for case in view.content.test_cases]
    }


def samples_json(content: ProblemVersion, show: Show) -> Json:
    """Give the test cases that are not hidden."""
    return {
        "samples": [
            {"name": case.name, "description": case.description} | data_json(case, show)
            for case in content.test_cases
            if not case.is_hidden
        ]
    }


def _case_json(case: ProblemCase) -> Json:
    return {
        "name": case.name,
        "description": case.description,
        "is_hidden": case.is_hidden,
        "points": case.points,
        "group": case.group,
        "timeout_ms": case.timeout_ms,
    }


def data_json(case: ProblemCase, show: Show) -> Json:
    """Give input and answer of a test case, and beside them the names of what was cut."""
    values = {"input": show(case.stdin), "expected_output": show(case.expected_stdout)}
    cut = [name for name, value in values.items() if value is not None and value.truncated]
    told: Json = {name: None if value is None else bytes_json(value) for name, value in values.items()}
    return told | ({"truncated": cut} if cut else {})
