"""Suites of unit tests: the suite itself, and which of its test functions are the test cases."""

from collections.abc import Mapping
from dataclasses import replace

from marshmallow import ValidationError, post_load

from app.schemas.complaints import Complaint, shown
from app.schemas.fields import Choice
from app.schemas.files import FilePart, Files
from app.schemas.parts import CurrentRules, Part
from domain.errors import InvalidRequest
from domain.limits import MAX_TEST_CASES
from domain.model import TestCase
from domain.suite import MAX_BYTES, Framework, Suite, Unreadable, tests_of

_PYTHON, _SCRIPT = "name files test_*.py and functions test*", "name files *.test.js, with titles written out"
_NAMED = {
    Framework.PYTEST: _PYTHON,
    Framework.UNITTEST: _PYTHON,
    Framework.NODE: _SCRIPT,
    Framework.JEST: _SCRIPT,
    Framework.GO: "name files *_test.go, in no folder, and functions func TestXxx(t *testing.T)",
    Framework.CARGO: "name files *.rs, in no folder, and write #[test] and fn at the beginning of lines",
    Framework.JUNIT: "name files *.java after their classes, and write @Test public void name()",
}
_FOR = "pytest and unittest are for python, node and jest for javascript, go for go, cargo for rust, junit for java"
_ALONE = ("function", "checker", "interactor", "interactive", "passes")


class FrameworkName(Choice):
    """Whose tests they are."""

    def __init__(self) -> None:
        super().__init__(*Framework, required=True)


class SuitePart(Part):
    """Unit tests of what the sources define: each test function is a test case."""

    framework = FrameworkName()
    files = Files(FilePart, required=True)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Suite:
        """Make the suite."""
        files = data["files"]
        assert isinstance(files, list)  # noqa: S101 - by its field
        if sum(len(file.content) for file in files) > MAX_BYTES:
            raise ValidationError({"files": [Complaint(f"hold more than {MAX_BYTES} bytes", "shorten them")]})
        suite = Suite(Framework(str(data["framework"])), tuple(files))
        try:
            found = tests_of(suite)
        except Unreadable as error:
            complaint = Complaint(str(error), "send test files that the framework can read")
            raise ValidationError({"files": {error.position: {"content": [complaint]}}}) from None
        if not found:
            raise ValidationError({"files": [Complaint("hold no test function", _NAMED[suite.framework])]})
        if len(found) > MAX_TEST_CASES:
            raise ValidationError({"files": [Complaint(f"hold {len(found)} test functions", "send fewer")]})
        return suite


def cases_of(suite: Suite) -> list[TestCase]:
    """Make a test case of every test function."""
    return [TestCase(0, test, test.encode()) for test in tests_of(suite)]


def named_by_test(cases: list[TestCase]) -> list[TestCase]:
    """Name test cases that have no name by their tests."""
    return [case if case.name else replace(case, name=case.stdin.decode()[:255]) for case in cases]


def suite_messages(data: Mapping[str, object], original: object) -> dict[str, object]:
    """Check test cases, as far as they are right, against the suite that they are of, or against there being none."""
    sent = original if isinstance(original, Mapping) else {}
    suite, written = data.get("suite"), sent.get("test_cases")
    cases = written if isinstance(written, list) else []
    if not isinstance(suite, Suite):
        fault: object = {"test": [Complaint("stands without suite", "add suite, or use input and expected_output")]}
        found: dict[int, object] = {}
        if "suite" not in sent:
            found = {n: fault for n, case in enumerate(cases) if isinstance(case, Mapping) and "test" in case}
        return {"test_cases": found} if found else {}
    messages: dict[str, object] = {}
    if wrong := _language_fault(data, suite):
        messages["suite"] = {"framework": [wrong]}
    for name in _ALONE:
        if data.get(name):
            messages[name] = [Complaint("cannot be with suite", "leave it out: the tests say what is right")]
    known = set(tests_of(suite))
    faults = {n: _fault(case, known) for n, case in enumerate(cases) if isinstance(case, Mapping)}
    found = {n: fault for n, fault in faults.items() if fault}
    return messages | ({"test_cases": found} if found else {})


def _language_fault(data: Mapping[str, object], suite: Suite) -> Complaint | None:
    if "language" not in data:
        return None
    try:
        language = CurrentRules.get().languages.choose(str(data["language"])).language
    except InvalidRequest:
        return None  # said of the language itself
    if language.suites is None or suite.framework not in language.suites.frameworks:
        return Complaint(f"{suite.framework.value} cannot test {language.name}", _FOR)
    return None


def _fault(case: Mapping[str, object], known: set[str]) -> dict[str, object]:
    hint = "leave it out: the tests say what is right"
    clash = {name: [Complaint("cannot be with suite", hint)] for name in ("input", "expected_output") if name in case}
    test = case.get("test")
    if test is None:
        return {"test": [Complaint("is missing", "name a test function: test_it.py::test_name")], **clash}
    if isinstance(test, str) and test not in known:
        some = ", ".join(sorted(known)[:5])
        return {"test": [Complaint(f"{shown(test)} is no test function of the suite", f"there are {some}")], **clash}
    return dict(clash)
