"""Suites of unit tests (pure, frozen), and which test functions are in one: found by reading it, without running it."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from domain.file import File

_NODE_FILE = re.compile(r"[.-]test\.[cm]?js$")
_NODE_TEST = re.compile(r"""^[ \t]*(?:test|it)\(\s*(['"`])([^'"`\\\n$]{1,200})\1\s*,""", re.MULTILINE)
"""A test with its title written out, where a statement begins."""
_EACH_TEST = re.compile(
    r"""^[ \t]*(?:test|it)(?:\.each\s*\((?:(?!^[ \t]*(?:test|it)\b).)*?\))?\(\s*(['"`])([^'"`\\\n$]{1,200})\1\s*,""",
    re.MULTILINE | re.DOTALL,
)
"""The same, and one that is made of a table."""
_GO_TEST = re.compile(r"^func\s+(Test(?:[^a-z\W]\w*)?)\s*\(\s*\w+\s+\*testing\.T\s*\)", re.MULTILINE)
_GO_MAIN = re.compile(r"^func\s+TestMain\b", re.MULTILINE)
_RUST_TEST = re.compile(r"^#\[test\]\s*(?:#\[[^\n]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?fn\s+(\w+)\s*\(\s*\)", re.MULTILINE)
"""As it is commonly written, from the first column; not within a module of the file."""
_RUST_ALL = re.compile(r"\buse\s+(?:::)?solution\b[^;]*\*")
_JAVA_LITERAL = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\"{3}(?:\\.|.)*?\"{3}|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)
_JAVA_PACKAGE = re.compile(r"(?:^|;) ?package (\w+(?:\.\w+)*) ?;")
_JAVA_TEST = re.compile(
    r"@(?:org\.junit\.)?Test\b ?(?:\([^()]*\) ?)?(?:@[\w.]+ ?(?:\([^()]*\) ?)?){0,8}"
    r"public (?:final |synchronized ){0,2}void (\w+) ?\( ?\)"
)
"""In code without comments, strings and all blanks but one."""
_JAVA_REFUSED = {
    "@RunWith": "has a runner of its own (@RunWith), which has no place here",
    "org.junit.jupiter": "is written for JUnit 5: write it for JUnit 4 (import org.junit.Test)",
}
MAX_BYTES = 512 * 1024
"""Of all files of a suite."""


class Framework(StrEnum):
    """Whose tests they are."""

    PYTEST = "pytest"
    UNITTEST = "unittest"
    NODE = "node"
    """`node:test`, which comes with Node."""
    JEST = "jest"
    """What is commonly used of it, in a form of ours."""
    GO = "go"
    CARGO = "cargo"
    JUNIT = "junit"
    """JUnit 4."""


@dataclass(frozen=True)
class Suite:
    """Tests of what the sources define. Each test function is one test case."""

    framework: Framework
    files: tuple[File, ...]


class Unreadable(ValueError):  # noqa: N818 - said of a file
    """A file of tests cannot be read; `position` is its place in the suite."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(why)
        self.position = position


def tests_of(suite: Suite) -> tuple[str, ...]:
    """List the test functions: `tests/test_a.py::TestB::test_c`, `a.test.js::it adds`. Raises Unreadable."""
    find = _FINDERS.get(suite.framework, _tests_in)
    return tuple(test for position, file in enumerate(suite.files) for test in find(suite, position, file))


def _node_tests_in(suite: Suite, position: int, file: File) -> Iterator[str]:
    if not _NODE_FILE.search(file.path):
        return
    written = _EACH_TEST if suite.framework is Framework.JEST else _NODE_TEST
    titles = dict.fromkeys(found[2] for found in written.finditer(_text(position, file)))
    yield from (f"{file.path}::{title}" for title in titles)


def _text(position: int, file: File) -> str:
    try:
        return file.content.decode()
    except UnicodeDecodeError:
        raise Unreadable(position, "is no UTF-8") from None


def _go_tests_in(suite: Suite, position: int, file: File) -> Iterator[str]:
    del suite
    if not file.path.endswith("_test.go") or "/" in file.path:
        return
    source = _text(position, file)
    if _GO_MAIN.search(source):
        raise Unreadable(position, "has a TestMain, which has no place here")
    yield from (f"{file.path}::{name}" for name in dict.fromkeys(_GO_TEST.findall(source)))


def _rust_tests_in(suite: Suite, position: int, file: File) -> Iterator[str]:
    del suite
    if not file.path.endswith(".rs") or "/" in file.path:
        return
    source = _text(position, file)
    if _RUST_ALL.search(source):
        raise Unreadable(position, "imports all names of the program, which could take the place of Rust's own")
    yield from (f"{file.path}::{name}" for name in dict.fromkeys(_RUST_TEST.findall(source)))


def _java_tests_in(suite: Suite, position: int, file: File) -> Iterator[str]:
    del suite
    if not file.path.endswith(".java"):
        return
    code = _members(_JAVA_LITERAL.sub(" ", _text(position, file)))
    for name, why in _JAVA_REFUSED.items():
        if name in code:
            raise Unreadable(position, why)
    package = _JAVA_PACKAGE.search(code)
    of = ".".join([*([package[1]] if package else []), PurePosixPath(file.path).stem])
    yield from (f"{of}.{name}" for name in dict.fromkeys(_JAVA_TEST.findall(code)))


def _members(code: str) -> str:
    """Leave out what is within two braces or more, and all blanks but one."""
    depth, kept = 0, []
    for part in re.split(r"([{}])", code):
        depth += {"{": 1, "}": -1}.get(part, 0)
        if depth <= 1 or part == "{":
            kept.append(part)
    return re.sub(r"\s+", " ", "".join(kept))


def _tests_in(suite: Suite, position: int, file: File) -> Iterator[str]:
    stem, suffix = PurePosixPath(file.path).stem, PurePosixPath(file.path).suffix
    if suffix != ".py" or not (stem.startswith("test_") or stem.endswith("_test")):
        return
    try:
        tree = ast.parse(file.content)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise Unreadable(position, f"is no Python{f' (line {line})' if line else ''}") from None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and _has_tests(suite.framework, node):
            yield from (f"{file.path}::{node.name}::{name}" for name in _functions(node.body))
    if suite.framework is Framework.PYTEST:
        yield from (f"{file.path}::{name}" for name in _functions(tree.body))


def _has_tests(framework: Framework, node: ast.ClassDef) -> bool:
    if any(ast.unparse(base).rpartition(".")[2].endswith("TestCase") for base in node.bases):
        return True
    return framework is Framework.PYTEST and node.name.startswith("Test")


def _functions(body: list[ast.stmt]) -> Iterator[str]:
    names = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    yield from dict.fromkeys(name for name in names if name.startswith("test"))


_FINDERS: Mapping[Framework, Callable[[Suite, int, File], Iterator[str]]] = {
    Framework.NODE: _node_tests_in,
    Framework.JEST: _node_tests_in,
    Framework.GO: _go_tests_in,
    Framework.CARGO: _rust_tests_in,
    Framework.JUNIT: _java_tests_in,
}
