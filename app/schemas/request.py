"""`POST /v1/submissions` and `POST /execute`: the body, as the domain's submission."""

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

from marshmallow import ValidationError, post_load, validates_schema

from app.schemas.by_problem import beside_problem, by_problem, is_by_problem
from app.schemas.cases import Arguments, TestCases, numbered
from app.schemas.checkers import CheckerPart
from app.schemas.complaints import Complaint, as_messages, shown
from app.schemas.constraints import ConstraintsPart
from app.schemas.fields import Choice, Flag, Text, Whole
from app.schemas.files import RelativePath, Source, Sources, path_clashes
from app.schemas.function import FunctionPart
from app.schemas.groups import TestGroups, grouped
from app.schemas.interactive import interactive_fault, patient
from app.schemas.interactors import InteractorPart
from app.schemas.judged import judging_messages, over
from app.schemas.language import Language
from app.schemas.metadata import Metadata
from app.schemas.parts import CurrentRules, Items, Object, Part, Value
from app.schemas.suite import SuitePart, cases_of, named_by_test
from app.schemas.webhooks import CallbackPart
from domain import source_trees
from domain.errors import InvalidRequest
from domain.limits import MAX_PASSES, Constraints
from domain.model import Cache, Checker, File, Priority, Submission, TestCase
from domain.suite import Suite

MAX_OUTPUTS = 100
MAX_COMMAND_CHARS = 4000
PASSES_ARE = "How often the program may be run for one test case, each time with what the checker left for it."


@dataclass(frozen=True)
class Request:
    """A valid request. `body_sha256` is the same for the same JSON however it is written."""

    submission: Submission
    id: UUID | None
    body_sha256: bytes


class Id(Value[UUID]):
    """A UUID of the sender's, to make sending twice harmless."""

    def __init__(self) -> None:
        super().__init__({"type": "string", "format": "uuid"})

    def read(self, value: object) -> UUID:
        """Parse it."""
        try:
            return UUID(value)  # type: ignore[arg-type]
        except (ValueError, AttributeError, TypeError):
            hint = "use the form 0198c0de-0000-7000-8000-000000000000, or leave it out"
            raise ValidationError(Complaint(f"{shown(value)} is not a UUID", hint)) from None


class CacheUse(Value[Cache]):
    """What of an earlier grading may be used again."""

    def __init__(self) -> None:
        description = (
            "false compiles anew whatever was compiled before, and keeps nothing for later; true uses what the same "
            f"sources were compiled to; {Cache.EXECUTION.value!r} also uses results of the same user's earlier runs "
            "of the same test cases."
        )
        shapes = [{"type": "boolean"}, {"type": "string", "enum": [Cache.EXECUTION.value]}]
        super().__init__({"anyOf": shapes, "default": True}, description=description)

    def read(self, value: object) -> Cache:
        """Take true, false and one word."""
        if value == Cache.EXECUTION.value:
            return Cache.EXECUTION
        if not isinstance(value, bool):
            message = f"must be true, false or {Cache.EXECUTION.value!r}, not {shown(value)}"
            raise ValidationError(Complaint(message, "write true and false without quotes, or leave it out"))
        return Cache.COMPILE if value else Cache.NONE


class UserId(Text):
    """For whom a service sends this."""

    def read(self, value: object) -> str:
        """Refuse it from those who send for themselves."""
        if not CurrentRules.get().names_users:
            hint = "leave it out, or ask an operator for a service's key (`shipd keys create --role service`)"
            raise ValidationError(Complaint("only services may act for a user", hint))
        return super().read(value)


class SubmissionRequest(Part):
    """A submission as it is sent."""

    id = Id()
    language = Language(required=True, min_chars=1, description="A name, or name@version: python, cpp@20.")
    source = Sources(required=True)
    entry_point = Text(min_chars=1, max_chars=MAX_COMMAND_CHARS, description="A path among the sources.")
    arguments = Arguments()
    test_cases = TestCases()
    test_groups = TestGroups()
    problem_id = Text(min_chars=1)
    checker = Object(CheckerPart)
    interactor = Object(InteractorPart)
    function = Object(FunctionPart)
    suite = Object(SuitePart)
    passes = Whole(floor=1, ceiling=MAX_PASSES, description=PASSES_ARE)
    constraints = Object(ConstraintsPart)
    outputs = Items(RelativePath(), most=MAX_OUTPUTS, description="Globs of files to collect: out/*.png")
    stop_on_first_failure = Flag()
    priority = Choice(*Priority)
    region = Text(min_chars=1, description="Where it is to run, if that is possible; left out: wherever it is best.")
    cache = CacheUse()
    interactive = Flag(
        description="Input is typed while it runs: for one test case that has no stdin and is not hidden."
    )
    callback = Object(CallbackPart)
    user_id = UserId(min_chars=1, description="For whom it is, where a service sends it; others may not name anybody.")
    metadata = Metadata()

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_whole(self, data: dict[str, object], original: object, **_: object) -> None:
        """Check what takes more than one field, as far as those fields are right."""
        messages = beside_problem(data) if is_by_problem(original) else _together(data, original)
        source = data.get("source")
        if isinstance(source, Source) and "language" in data:
            for name, found in _tree_messages(data, source).items():
                messages[name] = over(found, messages.get(name)) if isinstance(found, dict) else found
        if messages:
            raise ValidationError(messages)

    @post_load(pass_original=True)
    def make(self, data: dict[str, object], original: object, **_: object) -> Request:
        """Make the request."""
        given_id = data.pop("id", None)
        assert given_id is None or isinstance(given_id, UUID)  # noqa: S101 - by its field
        return Request(_submission(data), given_id, digest(original))


def _together(data: dict[str, object], original: object) -> dict[str, object]:
    """Check how it is judged against its test cases."""
    messages = judging_messages(data, original)
    if data.get("interactive") and (fault := interactive_fault(data.get("test_cases"))) is not None:
        messages["interactive"] = [fault]
    return messages


def _tree_messages(data: dict[str, object], source: Source) -> dict[str, object]:
    """Check the entry point and the test cases' files against the sources."""
    language = CurrentRules.get().languages.choose(str(data["language"])).language
    files = source.named(language.main_file)
    messages: dict[str, object] = {}
    asked = data.get("entry_point")
    if isinstance(asked, str) and any(character.isspace() for character in asked) and asked not in _paths(files):
        hint = "command forms are not offered by this deployment: name one of the sources, or leave it out"
        messages["entry_point"] = [Complaint(f"{shown(asked)} is not among the sources", hint)]
    else:
        try:
            source_trees.entry_point(language, files, str(asked) if asked is not None else None, source.filename)
        except InvalidRequest as error:
            messages |= as_messages(error)
    clashes = _case_clashes(data.get("test_cases"), files)
    return messages | ({"test_cases": clashes} if clashes else {})


def _case_clashes(cases: object, files: tuple[File, ...]) -> dict[int, object]:
    found: dict[int, object] = {}
    for number, case in enumerate(cases if isinstance(cases, list) else []):
        if not isinstance(case, TestCase) or not case.files:
            continue
        clashes = path_clashes(_paths(case.files), taken=_paths(files))
        if clashes:
            places = {index: {"path": [complaint]} for index, complaint in clashes.items()}
            found[number] = {"input": {"files": places}}
    return found


def _paths(files: tuple[File, ...]) -> list[str]:
    return [file.path for file in files]


def _submission(data: dict[str, object]) -> Submission:
    """Put the parts together; every field is right by now."""
    source, asked = data.pop("source"), data.pop("entry_point", None)
    assert isinstance(source, Source)  # noqa: S101 - by its field
    language = CurrentRules.get().languages.choose(str(data["language"])).language
    files = source.named(language.main_file)
    entry = source_trees.entry_point(language, files, str(asked) if asked is not None else None, source.filename)
    if is_by_problem(data):
        data["by_problem"] = by_problem()
    cases: list[TestCase] = data.pop("test_cases", [])  # type: ignore[assignment]
    if isinstance(suite := data.get("suite"), Suite):
        cases = named_by_test(cases or cases_of(suite))
    data["priority"] = Priority(str(data.get("priority", Priority.NORMAL)))
    for name in ("arguments", "outputs"):
        data[name] = tuple(data.get(name, ()))  # type: ignore[arg-type]
    groups, in_groups = grouped(data.pop("test_groups", []), numbered(cases))  # type: ignore[arg-type]
    given = {"checker": Checker(), "constraints": _default_constraints()} | data
    if data.get("interactive"):
        given["constraints"] = patient(given["constraints"], cases)  # type: ignore[arg-type]
    own = () if "by_problem" in given else in_groups
    return Submission(sources=files, entry_point=entry, test_cases=own, groups=groups, **given)  # type: ignore[arg-type]


def _default_constraints() -> Constraints:
    made: Constraints = _CONSTRAINTS.load({})
    return made


_CONSTRAINTS = ConstraintsPart()


def digest(body: object) -> bytes:
    """Give the SHA-256 of a JSON body in its canonical form: two ways to write the same body are the same."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).digest()
