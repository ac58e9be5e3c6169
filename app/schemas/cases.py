"""Test cases: input and expectation, in the short form (a string) and the long one."""

import json
from dataclasses import dataclass, replace

from marshmallow import ValidationError, post_load, validates_schema

from app.schemas.complaints import Complaint
from app.schemas.fields import BYTES_SHAPES, Bytes, Flag, Limit, Points, Text, Whole, to_bytes
from app.schemas.files import ExpectedFilePart, FilePart, Files
from app.schemas.parts import CurrentRules, Items, Object, Part, Union, Value
from domain.limits import MAX_TEST_CASES
from domain.model import Expectation, File, TestCase

MAX_ARGUMENTS = 1000
MAX_ARGUMENT_BYTES = 96 * 1024
"""All arguments together: Linux refuses to start a program with one above 128 KiB."""
MAX_TEST_CHARS = 4000
RUN_ONCE = TestCase(ordinal=0, name="run")
"""What an empty list of test cases means."""


class Arguments(Items[str]):
    """Command-line arguments: handed to the program as they are, never to a shell."""

    def __init__(self) -> None:
        super().__init__(Text(max_chars=MAX_ARGUMENT_BYTES), most=MAX_ARGUMENTS)

    def read(self, value: object) -> list[str | None]:
        """Read them, and see that Linux can hand them over."""
        arguments = super().read(value)
        size = sum(len(str(argument).encode()) for argument in arguments)
        if size > MAX_ARGUMENT_BYTES:
            message = f"hold {size} bytes together, more than {MAX_ARGUMENT_BYTES}"
            raise ValidationError(Complaint(message, "pass long values on stdin or in a file"))
        return arguments


@dataclass(frozen=True)
class Input:
    """What a test case feeds the program."""

    stdin: bytes = b""
    files: tuple[File, ...] = ()
    arguments: tuple[str, ...] = ()


class InputPart(Part):
    """The long form of `input`."""

    stdin = Bytes()
    files = Files(FilePart)
    arguments = Arguments()

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Input:
        """Make the input."""
        return Input(**_tuples(data))  # type: ignore[arg-type]


class ExpectedPart(Part):
    """The long form of `expected_output`."""

    stdout = Bytes()
    files = Files(ExpectedFilePart)
    exit_code = Whole(floor=0, ceiling=255)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Expectation:
        """Make the expectation."""
        return Expectation(**_tuples(data))  # type: ignore[arg-type]


def _tuples(data: dict[str, object]) -> dict[str, object]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}


_INPUT = InputPart()
_EXPECTED = ExpectedPart()


def _is_bytes(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and "base64" in value)


def read_input(value: object) -> Input:
    """Read `input`: bytes mean stdin. Raises ValidationError."""
    if _is_bytes(value):
        return Input(stdin=to_bytes(value))
    made: Input = _INPUT.load(_object(value, "stdin"))
    return made


def read_expected(value: object) -> Expectation:
    """Read `expected_output`: bytes mean stdout. Raises ValidationError."""
    if _is_bytes(value):
        return Expectation(stdout=to_bytes(value))
    made: Expectation = _EXPECTED.load(_object(value, "stdout"))
    return made


def _object(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValidationError(Complaint("must be a string or an object", f'a plain string means {{"{name}": "..."}}'))
    return value


def _or_bytes(name: str) -> dict[str, object]:
    return {"anyOf": [*BYTES_SHAPES, {"$ref": f"#/components/schemas/{name}"}]}


class Call(Value[bytes]):
    """The arguments of one call of a function, as the JSON line that the program finds on stdin."""

    def __init__(self) -> None:
        document = {"type": "array", "items": {}, "maxItems": MAX_ARGUMENTS}
        super().__init__(document, description="With `function`: the arguments of one call.")

    def read(self, value: object) -> bytes:
        """Write them."""
        if not isinstance(value, list):
            raise ValidationError(Complaint("must be a list", "write [ ... ], one member for each argument"))
        return _json_line(value)


class Returns(Value[bytes]):
    """What the call is to return, as JSON. It may be null, which is a value like others."""

    def __init__(self) -> None:
        super().__init__({}, description="With `function`: what the call is to return; left out, any value is right.")
        self.allow_none = True

    def read(self, value: object) -> bytes:
        """Write it."""
        return _json_line(value)


def _json_line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


class TestCasePart(Part):
    """One test case. Its number is set by whoever has the whole list."""

    __test__ = False  # pytest must not take it for one of its own

    name = Text(min_chars=1)
    input = Union(read_input, _or_bytes("Input"), attribute="input")
    expected_output = Union(read_expected, _or_bytes("Expected"), attribute="expected")
    test = Text(min_chars=1, max_chars=MAX_TEST_CHARS, description="With `suite`: the test function that it is.")
    call = Call()
    returns = Returns()
    timeout_ms = Limit("timeout_ms")
    is_hidden = Flag()
    points = Points(description="The most that it earns.")
    group = Text(min_chars=1)
    checker_arguments = Arguments()

    @validates_schema
    def check_call(self, data: dict[str, object], **_: object) -> None:
        """A call takes the place of an input, and what it returns that of an output."""
        given, hint = data.get("input"), "leave it out: the arguments are in call"
        if "call" in data and isinstance(given, Input):
            twice = [name for name in ("stdin", "arguments") if getattr(given, name)]
            if twice:
                raise ValidationError({"input": {name: [Complaint("cannot be with call", hint)] for name in twice}})

    @post_load
    def make(self, data: dict[str, object], **_: object) -> TestCase:
        """Make the test case."""
        given, stdin, test = data.pop("input", Input()), data.pop("call", None), data.pop("test", None)
        stdin = str(test).encode() if test is not None else stdin
        assert isinstance(given, Input)  # noqa: S101 - by its field
        inner = {
            "stdin": given.stdin if stdin is None else stdin,
            "files": given.files,
            "arguments": given.arguments,
        }
        if "returns" in data:
            returns = data.pop("returns")
            assert returns is None or isinstance(returns, bytes)  # noqa: S101 - by its field
            inner["expected"] = Expectation(stdout=_json_line(None) if returns is None else returns)
        data["checker_arguments"] = tuple(data.get("checker_arguments", ()))  # type: ignore[arg-type]
        return TestCase(**({"ordinal": 0, "name": ""} | inner | data))  # type: ignore[arg-type]


class TestCases(Items[object]):
    """The test cases in order, numbered, and named by their number from 1 where they have no name."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__(Object(TestCasePart), most=MAX_TEST_CASES)

    def read(self, value: object) -> list[object | None]:
        """Read them, no more than the caller's key may send."""
        most = CurrentRules.get().most_test_cases
        if isinstance(value, list) and len(value) > most:
            message = f"has {len(value)} members, above the ceiling of {most}"
            raise ValidationError(Complaint(message, "send fewer, in several submissions"))
        return super().read(value)


def numbered(cases: list[TestCase]) -> tuple[TestCase, ...]:
    """Give the cases their ordinals and default names; none at all is one run."""
    named = [replace(case, ordinal=n, name=case.name or str(n + 1)) for n, case in enumerate(cases)]
    return tuple(named) or (RUN_ONCE,)
