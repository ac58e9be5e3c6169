"""The interactor of a submission: a program of the sender's that talks to the judged one, and judges it."""

from collections.abc import Mapping, Sequence

from marshmallow import post_load

from app.schemas.cases import Arguments
from app.schemas.complaints import Complaint
from app.schemas.program import ProgramPart, ProtocolName, take_program
from domain.judging import Interactor, Protocol
from domain.model import Checker, CheckerType, TestCase


class InteractorPart(ProgramPart):
    """What talks to the program over its stdin and stdout. A test case's input and expected stdout are its files."""

    protocol = ProtocolName()
    arguments = Arguments()

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Interactor:
        """Make the interactor."""
        program = take_program(data)
        arguments = data.get("arguments", ())
        assert isinstance(arguments, list | tuple)  # noqa: S101 - by its field
        return Interactor(program, Protocol(str(data.get("protocol", Protocol.KATTIS))), tuple(arguments))


def interactor_faults(data: Mapping[str, object], cases: Sequence[object]) -> dict[str, object]:
    """Say what of a request or a problem, as far as it is right, cannot be with its interactor."""
    interactor, checker = data.get("interactor"), data.get("checker")
    if "interactor" not in data:
        return {}
    messages: dict[str, object] = {}
    if data.get("interactive"):
        hint = "leave one of them out: either somebody types, or a program talks"
        messages["interactor"] = [Complaint("cannot be with interactive", hint)]
    if isinstance(checker, Checker) and isinstance(interactor, Interactor) and not _looks_after(interactor, checker):
        hint = "leave it out: the interactor judges; only one of type program may look at what a testlib one leaves"
        messages["checker"] = [Complaint("cannot be with this interactor", hint)]
    if files := _expected_files(cases):
        messages["test_cases"] = files
    return messages


def _looks_after(interactor: Interactor, checker: Checker) -> bool:
    return interactor.protocol is Protocol.TESTLIB and checker.type is CheckerType.PROGRAM


def _expected_files(cases: Sequence[object]) -> dict[int, object]:
    fault = [Complaint("cannot be with an interactor", "leave them out: it judges by what it is told")]
    return {
        number: {"expected_output": {"files": fault}}
        for number, case in enumerate(cases)
        if isinstance(case, TestCase) and case.expected.files
    }
