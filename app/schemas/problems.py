"""`/v1/problems`: a version as it is sent, and what is asked of problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from app.schemas.checkers import CheckerPart
from app.schemas.complaints import Complaint, shown
from app.schemas.constraints import LimitsPart, filled_in
from app.schemas.fields import Bytes, Choice, Flag, Text, Whole
from app.schemas.files import FilePart, Files, RelativePath
from app.schemas.function import FunctionPart
from app.schemas.groups import TestGroups, grouped
from app.schemas.interactors import InteractorPart
from app.schemas.judged import judging_messages
from app.schemas.language import Language
from app.schemas.metadata import Metadata
from app.schemas.paging import PageSize
from app.schemas.parts import Items, Object, Part, Value
from app.schemas.problem_cases import ProblemCases
from app.schemas.program import ProgramPart, take_program
from app.schemas.suite import SuitePart, cases_of, named_by_test
from domain.document import Document
from domain.judging import Judging
from domain.limits import MAX_PASSES
from domain.model import Checker, File, TestCase
from domain.payload import Payload
from domain.problem import Example, ProblemCase, ProblemVersion, Statement, Visibility
from domain.problem_limits import ID, ID_HINT, MAX_TITLE_CHARS, MOST_EXAMPLES, MOST_STATEMENTS
from domain.verdict import Verdict

MAX_OUTPUTS = 100
MOST_VALIDATORS = 20
MOST_LANGUAGES = 100
ENGLISH = "en"


@dataclass(frozen=True)
class ProblemAsked:
    """A version as it was sent. `visibility` None: as it was, and private where there was nothing."""

    version: ProblemVersion
    visibility: Visibility | None


class ProblemId(Value[str]):
    """The name of a problem."""

    def __init__(self, *, required: bool = False) -> None:
        super().__init__({"type": "string", "pattern": f"^{ID.pattern}$", "example": "sum"}, required=required)

    def read(self, value: object) -> str:
        """Check its form."""
        if not isinstance(value, str) or not ID.fullmatch(value):
            raise ValidationError(Complaint(f"{shown(value)} is no name of a problem", ID_HINT))
        return value


class LanguageLimits(Value[Mapping[str, Mapping[str, int]]]):
    """Constraints for one language, by its name, laid over those of the problem."""

    def __init__(self) -> None:
        of_one = {"$ref": "#/components/schemas/LimitsPart"}
        super().__init__({"type": "object", "additionalProperties": of_one, "maxProperties": MOST_LANGUAGES})

    def read(self, value: object) -> Mapping[str, Mapping[str, int]]:
        """Read each, told of by its language."""
        if not isinstance(value, dict) or len(value) > MOST_LANGUAGES:
            raise ValidationError(Complaint("must be an object by language", 'write {"java": {"timeout_ms": 4000}}'))
        found, messages = {}, {}
        for name, limits in value.items():
            try:
                found[_LANGUAGE.read(name)] = _LIMITS.load(limits)
            except ValidationError as error:
                messages[name] = error.messages
        if messages:
            raise ValidationError(messages)
        return found


class StatementPart(Part):
    """The problem's text in one language, in Markdown, with the pictures that it shows."""

    language = Text(min_chars=1, max_chars=35, required=True, description="As BCP 47 names it: `en`, `pt-BR`.")
    title = Text(max_chars=MAX_TITLE_CHARS, description="Default: the problem's.")
    content = Bytes(required=True)
    files = Files(FilePart)

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> Statement:
        """Make it."""
        content = File(f"problem.{data['language']}.md", data["content"])
        pictures = tuple(map(document, data.get("files", ())))
        return Statement(data["language"], data.get("title", ""), document(content), pictures)


class ExamplePart(ProgramPart):
    """A submission that comes with the problem, to verify it by."""

    path = RelativePath(required=True)
    expected = Items(Choice(*Verdict), most=len(Verdict), description="Verdicts of which one is right; none: any is.")

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> Example:
        """Make it."""
        path, expected = data.pop("path"), data.pop("expected", ())
        return Example(path, take_program(data), tuple(map(Verdict, expected)))


class ProblemRequest(Part):
    """A problem, or another version of it: all of it each time."""

    id = ProblemId(required=True)
    title = Text(min_chars=1, max_chars=MAX_TITLE_CHARS, required=True)
    visibility = Choice(*Visibility)
    statement = Bytes()
    statements = Items(Object(StatementPart), most=MOST_STATEMENTS, description="In several languages.")
    test_cases = ProblemCases()
    test_groups = TestGroups()
    checker = Object(CheckerPart)
    interactor = Object(InteractorPart)
    function = Object(FunctionPart)
    suite = Object(SuitePart)
    passes = Whole(floor=1, ceiling=MAX_PASSES)
    constraints = Object(LimitsPart)
    language_constraints = LanguageLimits()
    languages = Items(Language(min_chars=1), most=MOST_LANGUAGES, description="That may be used; none: all.")
    outputs = Items(RelativePath(), most=MAX_OUTPUTS, description="Globs of files to collect.")
    stop_on_first_failure = Flag()
    attachments = Files(FilePart)
    input_validators = Items(
        Object(ProgramPart), most=MOST_VALIDATORS, description="Each must exit with 42 for every input."
    )
    examples = Items(Object(ExamplePart), most=MOST_EXAMPLES)
    metadata = Metadata()

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_whole(self, data: dict[str, object], original: object, **_: object) -> None:
        """Check what takes more than one field."""
        known = {**data, "test_cases": [case for case, _ in _cases(data)]} if "test_cases" in data else data
        messages = judging_messages(known, original)
        if "statement" in data and "statements" in data:
            messages["statement"] = [Complaint("stands beside statements", "send one of the two")]
        if messages:
            raise ValidationError(messages)

    @post_load
    def make(self, data: dict[str, Any], **_: object) -> ProblemAsked:
        """Make the version."""
        visibility = data.get("visibility")
        return ProblemAsked(_version(data), None if visibility is None else Visibility(visibility))


class VisibilityChange(Part):
    """Who sees a problem."""

    visibility = Choice(*Visibility, required=True)

    @post_load
    def make(self, data: dict[str, str], **_: object) -> Visibility:
        """Make it."""
        return Visibility(data["visibility"])


class ProblemPageQuery(Part):
    """`?limit=20&cursor=...`."""

    limit = PageSize()
    cursor = ProblemId()


class StatementQuery(Part):
    """`?language=en`."""

    language = Text(min_chars=1, max_chars=35, description="Of the statement; by default English, else the first.")


_LANGUAGE, _LIMITS = Language(min_chars=1), LimitsPart()


def document(file: File) -> Document:
    """Give a file as problems have them; whoever keeps it puts long ones elsewhere."""
    return Document(file.path, Payload(inline=file.content), len(file.content), file.mode)


def _version(data: Mapping[str, Any]) -> ProblemVersion:
    described = _described(data)
    groups, cases = grouped(data.get("test_groups", []), [case for case, _ in described])
    judging = Judging(
        interactor=data.get("interactor"),
        passes=data.get("passes", 1),
        groups=groups,
        function=data.get("function"),
        suite=data.get("suite"),
    )
    return ProblemVersion(
        id=data["id"],
        title=data["title"],
        test_cases=tuple(_case(case, about) for case, (_, about) in zip(cases, described, strict=True)),
        checker=data.get("checker", Checker()),
        judging=judging,
        constraints=filled_in(data.get("constraints", {})),
        language_constraints=data.get("language_constraints", {}),
        languages=tuple(data.get("languages", ())),
        visibility=Visibility(data.get("visibility", Visibility.PRIVATE)),
        statements=_statements(data),
        attachments=tuple(map(document, data.get("attachments", ()))),
        outputs=tuple(data.get("outputs", ())),
        stop_on_first_failure=data.get("stop_on_first_failure", False),
        input_validators=tuple(data.get("input_validators", ())),
        examples=tuple(data.get("examples", ())),
        metadata=data.get("metadata", {}),
    )


def _described(data: Mapping[str, Any]) -> Sequence[tuple[TestCase, str]]:
    """Give the test cases, numbered and named, with what is said of each; those of a suite where it names none."""
    written, suite = _cases(data), data.get("suite")
    if suite is None:
        return [
            (replace(case, ordinal=n, name=case.name or str(n + 1)), about) for n, (case, about) in enumerate(written)
        ]
    cases = [case for case, _ in written] or [replace(case, is_hidden=True) for case in cases_of(suite)]
    abouts = [about for _, about in written] or [""] * len(cases)
    named = named_by_test(cases)
    return [(replace(case, ordinal=n), about) for n, (case, about) in enumerate(zip(named, abouts, strict=True))]


def _statements(data: Mapping[str, Any]) -> tuple[Statement, ...]:
    if "statement" in data:
        return (Statement(ENGLISH, data["title"], document(File(f"problem.{ENGLISH}.md", data["statement"]))),)
    return tuple(data.get("statements", ()))


def _cases(data: Mapping[str, object]) -> Sequence[tuple[TestCase, str]]:
    found = data.get("test_cases")
    return found if isinstance(found, list) else []


def _case(case: TestCase, description: str) -> ProblemCase:
    expected = case.expected
    return ProblemCase(
        ordinal=case.ordinal,
        name=case.name,
        stdin=Payload(inline=case.stdin),
        expected_stdout=None if expected.stdout is None else Payload(inline=expected.stdout),
        files=tuple(map(document, case.files)),
        expected_files=tuple(map(document, expected.files)),
        expected_exit_code=expected.exit_code,
        arguments=case.arguments,
        checker_arguments=case.checker_arguments,
        is_hidden=case.is_hidden,
        points=case.points,
        group=case.group,
        timeout_ms=case.timeout_ms,
        description=description,
    )
