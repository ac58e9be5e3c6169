"""How something is judged, checked against its test cases: the same of submissions and of problems."""

from collections.abc import Mapping

from app.schemas.checkers import case_argument_faults
from app.schemas.complaints import Complaint
from app.schemas.function import function_messages
from app.schemas.groups import group_messages
from app.schemas.interactors import interactor_faults
from app.schemas.suite import suite_messages
from domain.model import Checker, CheckerType


def judging_messages(data: Mapping[str, object], original: object) -> dict[str, object]:
    """Say, in marshmallow's form, what is wrong, as far as the fields are right; `original` is what was sent."""
    messages = function_messages(data, original) | suite_messages(data, original) | group_messages(data, original)
    if data.get("passes", 1) != 1 and not _may_ask_again(data):
        hint = "leave it out: only a checker of type program or an interactor asks for another run"
        messages["passes"] = [Complaint("cannot be with this checker", hint)]
    faults = case_argument_faults(data.get("checker"), data.get("test_cases"), interactor="interactor" in data)
    if faults:
        messages["test_cases"] = over(faults, messages.get("test_cases"))
    cases = data.get("test_cases")
    for name, found in interactor_faults(data, cases if isinstance(cases, list) else ()).items():
        messages[name] = over(found, messages.get(name)) if isinstance(found, dict) else found
    return messages


def _may_ask_again(data: Mapping[str, object]) -> bool:
    checker = data.get("checker")
    if data.get("interactive"):  # what was typed is not typed again
        return False
    return "interactor" in data or (isinstance(checker, Checker) and checker.type is CheckerType.PROGRAM)


def over(faults: dict[int, object], others: object) -> dict[int, object]:
    """Put messages of other kinds on the same test cases beside these."""
    merged = dict(faults)
    for number, messages in (others if isinstance(others, dict) else {}).items():
        mine = merged.get(number)
        merged[number] = {**mine, **messages} if isinstance(mine, dict) else messages
    return merged
