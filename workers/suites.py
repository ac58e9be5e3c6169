"""Suites of unit tests as interactors: the tests run in a jail of their own, and talk to the program in another.

What talks is `jail-configs/harness/suites/`: one end beside the tests, which has pytest and all that is expected, and
one in the program's place, which has neither. docs/decisions/0026 says what that holds against.
"""

from domain.errors import InvalidRequest, Problem
from domain.judging import Interactor, Program
from domain.language import Language
from domain.model import File
from domain.suite import Framework, Suite
from workers.pytest_bundle import bundle

FOLDER = "suite"
"""Where the suite's own files lie, in the tests' box."""
BUNDLE = "pytest.zip"
FRAMEWORK = "framework"
"""A file beside the tests of JavaScript: how they are written."""
_BUNDLED = (Framework.PYTEST, Framework.UNITTEST)
INTERPRETER = "python"
"""The language of what talks to an executable that holds tests and program."""


def interactor_of_suite(language: Language, suite: Suite) -> Interactor:
    """Make the interactor. Raises InvalidRequest for a language whose programs cannot be tested so."""
    if language.suites is None or suite.framework not in language.suites.frameworks:
        hint = "use a language that has such tests, or test cases"
        raise InvalidRequest(Problem("suite.framework", f"{suite.framework} cannot test {language.name}", hint))
    if language.suites.linked:
        return Interactor(Program(INTERPRETER, language.suites.tests, language.suites.tests[0].path))
    own = (File(f"{FOLDER}/{file.path}", file.content, file.mode) for file in suite.files)
    more = File(BUNDLE, bundle()) if suite.framework in _BUNDLED else File(FRAMEWORK, suite.framework.encode())
    files = (*language.suites.tests, more, *own)
    return Interactor(Program(language.name, files, language.suites.tests[0].path))
