"""The checker of a submission: one that is built in, or a program of the sender's."""

from collections.abc import Sequence

from marshmallow import ValidationError, post_load, validates_schema

from app.schemas.cases import Arguments
from app.schemas.complaints import Complaint, shown
from app.schemas.fields import Choice, Text
from app.schemas.language import Language
from app.schemas.parts import Part, Value
from app.schemas.program import ENTRY_IS, LANGUAGE_IS, MAX_ENTRY_CHARS, ProgramSources, ProtocolName, take_program
from domain import validator_flags
from domain.judging import Program, Protocol
from domain.model import Checker, CheckerType, TestCase

_OF_PROGRAMS = ("language", "source", "entry_point", "protocol")
_WITH_ARGUMENTS = (CheckerType.KATTIS, CheckerType.PROGRAM)
_FLAGS = "use " + ", ".join(validator_flags.KNOWN) + "; a tolerance is the argument behind its flag"


class Tolerance(Value[float]):
    """A number that is not negative."""

    def __init__(self) -> None:
        super().__init__({"type": "number", "minimum": 0}, description="Of checkers of type float.")

    def read(self, value: object) -> float:
        """Check that it is finite and not negative."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ValidationError(Complaint(f"{shown(value)} is not a tolerance", "use a number such as 1e-6"))
        return float(value)


class CheckerPart(Part):
    """How outputs are judged. `language`, `source`, `entry_point` and `protocol` belong to type `program`."""

    type = Choice(*CheckerType)
    tolerance = Tolerance()
    arguments = Arguments()
    language = Language(min_chars=1, description=LANGUAGE_IS)
    source = ProgramSources()
    entry_point = Text(min_chars=1, max_chars=MAX_ENTRY_CHARS, description=ENTRY_IS)
    protocol = ProtocolName()

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_parts(self, data: dict[str, object], original: object, **_: object) -> None:
        """See that what was sent belongs together, as far as it is right."""
        if "type" in data or not (isinstance(original, dict) and "type" in original):
            kind = CheckerType(str(data.get("type", CheckerType.TOKENS)))
            sent = set(original) if isinstance(original, dict) else set()
            messages = _program_messages(kind, sent) | _argument_messages(kind, data.get("arguments"))
            if messages:
                raise ValidationError(messages)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Checker:
        """Make the checker."""
        kind = CheckerType(str(data.pop("type", CheckerType.TOKENS)))
        program: Program | None = take_program(data) if kind is CheckerType.PROGRAM else None
        protocol = Protocol(str(data.pop("protocol", Protocol.KATTIS)))
        arguments: Sequence[str] = data.pop("arguments", ())  # type: ignore[assignment]
        return Checker(kind, program=program, protocol=protocol, arguments=tuple(arguments), **data)  # type: ignore[arg-type]


def _program_messages(kind: CheckerType, sent: set[object]) -> dict[str, object]:
    if kind is CheckerType.PROGRAM:
        missing = [name for name in ("language", "source") if name not in sent]
        return {name: [Complaint("is missing", "a checker of type program needs it")] for name in missing}
    hint = f'leave it out, or write "type": "{CheckerType.PROGRAM}"'
    return {name: [Complaint("belongs to checkers of type program", hint)] for name in _OF_PROGRAMS if name in sent}


def _argument_messages(kind: CheckerType, arguments: object) -> dict[str, object]:
    fault = arguments_fault(kind, arguments if isinstance(arguments, list) else [])
    return {} if fault is None else {"arguments": [fault]}


def arguments_fault(kind: CheckerType, arguments: Sequence[str]) -> Complaint | None:
    """Say why a checker of this type cannot be given these arguments."""
    if not arguments or kind is CheckerType.PROGRAM:
        return None
    if kind not in _WITH_ARGUMENTS:
        return Complaint(f"a checker of type {kind} takes no arguments", "leave them out")
    try:
        validator_flags.parse(arguments)
    except ValueError as error:
        return Complaint(str(error), _FLAGS)
    return None


def case_argument_faults(checker: object, cases: object, *, interactor: bool) -> dict[int, object]:
    """Say of which test cases the checker cannot take the arguments; where there is an interactor they are its own."""
    if interactor or not isinstance(cases, list):
        return {}
    kind, own = (checker.type, checker.arguments) if isinstance(checker, Checker) else (CheckerType.TOKENS, ())
    found: dict[int, object] = {}
    for number, case in enumerate(cases):
        given = case.checker_arguments if isinstance(case, TestCase) else ()
        fault = arguments_fault(kind, (*own, *given)) if given else None
        if fault is not None:
            found[number] = {"checker_arguments": [fault]}
    return found
