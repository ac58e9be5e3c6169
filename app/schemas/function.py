"""Function problems: the signature, and whether the calls of the test cases fit it."""

import json
import re
from collections.abc import Mapping

from marshmallow import ValidationError, post_load

from app.schemas.checkers import Tolerance
from app.schemas.complaints import Complaint, shown
from app.schemas.fields import Text
from app.schemas.parts import CurrentRules, Items, Object, Part, Value
from domain.errors import InvalidRequest
from domain.function import MAX_TYPE_CHARS, Comparison, Function, Order, Parameter, Type, misfit, parse
from domain.languages import Languages
from domain.model import TestCase

MAX_PARAMETERS = 32
MAX_NAME_CHARS = 100
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GRAMMAR = "use int, float, str, bool, null, any, list[T], dict[str,T], optional[T]"
_ALONE = ("checker", "interactor", "interactive", "passes")
"""What says how a whole program is judged."""


class Identifier(Text):
    """A name of something in a program."""

    def __init__(self, *, required: bool = False) -> None:
        super().__init__(min_chars=1, max_chars=MAX_NAME_CHARS, required=required)
        self.metadata = {**self.metadata, "pattern": f"^{_IDENTIFIER.pattern}$"}

    def read(self, value: object) -> str:
        """Check that it is one in every language."""
        name = super().read(value)
        if not _IDENTIFIER.fullmatch(name):
            hint = "use letters, digits and _, and no digit first"
            raise ValidationError(Complaint(f"{shown(name)} is no name of a function, class or parameter", hint))
        return name


class TypeName(Text):
    """A type, as written."""

    def __init__(self) -> None:
        super().__init__(min_chars=1, max_chars=MAX_TYPE_CHARS, required=True, description=_GRAMMAR)

    def read(self, value: object) -> str:
        """Check that it can be read."""
        text = super().read(value)
        try:
            parse(text)
        except ValueError as error:
            raise ValidationError(Complaint(str(error)[:200], _GRAMMAR)) from None
        return text


class Unordered(Value[Order]):
    """Whether the order of lists counts."""

    WORD = "deep"

    def __init__(self) -> None:
        description = f"true: the list that is returned may be in any order; {self.WORD!r}: every list within it too."
        shapes = [{"type": "boolean"}, {"type": "string", "enum": [self.WORD]}]
        super().__init__({"anyOf": shapes, "default": False}, description=description, attribute="order")

    def read(self, value: object) -> Order:
        """Take true, false and one word."""
        if value == self.WORD:
            return Order.NONE
        if not isinstance(value, bool):
            message = f"must be true, false or {self.WORD!r}, not {shown(value)}"
            raise ValidationError(Complaint(message, "write true and false without quotes, or leave it out"))
        return Order.OUTER if value else Order.KEPT


class ParameterPart(Part):
    """One parameter of the function."""

    name = Identifier(required=True)
    type = TypeName()

    @post_load
    def make(self, data: dict[str, str], **_: object) -> Parameter:
        """Make the parameter."""
        return Parameter(**data)


class ComparePart(Part):
    """How what is returned is compared with what is expected."""

    unordered = Unordered()
    tolerance = Tolerance()

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Comparison:
        """Make the comparison."""
        return Comparison(**data)  # type: ignore[arg-type]


class FunctionPart(Part):
    """A function that the sources define: every test case is one `call` of it."""

    name = Identifier(required=True)
    parameters = Items(Object(ParameterPart), most=MAX_PARAMETERS, required=True)
    returns = TypeName()
    class_name = Identifier()
    compare = Object(ComparePart)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Function:
        """Make the function."""
        parameters = data.pop("parameters")
        assert isinstance(parameters, list)  # noqa: S101 - by its field
        return Function(parameters=tuple(parameters), **data)  # type: ignore[arg-type]


def function_messages(data: Mapping[str, object], original: object) -> dict[str, object]:
    """Check test cases, as far as they are right, against the function that they call, or against there being none.

    `original` is the request as it was sent: only there a call can be told from a stdin of the same bytes.
    """
    sent = original if isinstance(original, Mapping) else {}
    cases, written = data.get("test_cases"), sent.get("test_cases")
    function = data.get("function")
    if not isinstance(function, Function):
        return {} if "function" in sent else _calls_of_nothing(written)
    messages: dict[str, object] = {}
    if fault := _function_fault(data):
        messages["function"] = [fault]
    for name in _ALONE:
        if data.get(name):
            messages[name] = [Complaint("cannot be with function", "leave it out: function.compare says what is right")]
    if ("test_cases" in sent and written == []) or (written is None and "problem_id" not in sent):
        messages["test_cases"] = [Complaint("must not be empty with function", "send a call of it at least")]
    if isinstance(cases, list) and isinstance(written, list):
        found = {
            number: wrong
            for number, (case, raw) in enumerate(zip(cases, written, strict=True))
            if isinstance(case, TestCase) and (wrong := _case_messages(function, case, raw))
        }
        messages |= {"test_cases": found} if found else {}
    return messages


def _calls_of_nothing(written: object) -> dict[str, object]:
    fault = [Complaint("stands without function", "add function, or use input and expected_output")]
    found = {
        number: {name: fault for name in ("call", "returns") if name in case}
        for number, case in enumerate(written if isinstance(written, list) else [])
        if isinstance(case, Mapping) and ("call" in case or "returns" in case)
    }
    return {"test_cases": found} if found else {}


def _function_fault(data: Mapping[str, object]) -> Complaint | None:
    """Say why the language of a submission has no function problems, if it has none."""
    known = CurrentRules.get().languages
    if "language" not in data:
        return None
    try:
        language = known.choose(str(data["language"])).language
    except InvalidRequest:
        return None  # said of the language itself
    if language.harness is None:
        return Complaint(f"cannot be with {language.name}", "use one of " + ", ".join(function_languages(known)))
    return None


def function_languages(known: Languages) -> list[str]:
    """List the languages that have function problems."""
    return sorted(name for name, language in known.known.items() if language.harness is not None)


def _case_messages(function: Function, case: TestCase, raw: object) -> dict[str, object]:
    if not isinstance(raw, Mapping) or "call" not in raw:
        return {"call": [Complaint("is missing", "add the list of the arguments: every test case calls the function")]}
    messages = _argument_messages(function, json.loads(case.stdin))
    if "expected_output" in raw:
        hint = "use returns: it is what the function returns that is judged"
        messages["expected_output"] = [Complaint("cannot be with function", hint)]
    if "returns" in raw and (complaint := _misfit(raw["returns"], parse(function.returns), returned=True)):
        messages["returns"] = [complaint]
    return messages


def _argument_messages(function: Function, arguments: list[object]) -> dict[str, object]:
    names = ", ".join(f"{one.name}: {one.type}" for one in function.parameters)
    if len(arguments) != len(function.parameters):
        message = f"has {len(arguments)} arguments where {function.name} takes {len(function.parameters)}"
        return {"call": [Complaint(message, f"send one for each of ({names})")]}
    found = {
        number: [complaint]
        for number, (one, value) in enumerate(zip(function.parameters, arguments, strict=True))
        if (complaint := _misfit(value, parse(one.type), f"{one.name}: {one.type}"))
    }
    return {"call": found} if found else {}


def _misfit(value: object, kind: Type, named: str = "", *, returned: bool = False) -> Complaint | None:
    wrong = misfit(value, kind, returned=returned)
    if wrong is None:
        return None
    where = f"{wrong.path} " if wrong.path else ""
    return Complaint(f"{where}{wrong.message}", f"it is {named}" if named else "it is what the function returns")
