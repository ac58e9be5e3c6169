from pathlib import Path

import pytest

from sandbox import interpreter
from sandbox.result import SandboxError

TREE = Path(__file__).parents[3]


def test_a_hook_lies_where_python_looks_for_it() -> None:
    path = interpreter.hook_path("python", "/usr/bin/python3")
    assert path.startswith(".local/lib/python3.")
    assert path.endswith("/site-packages/usercustomize.py")


def test_an_unknown_interpreter_is_named_with_those_there_are() -> None:
    with pytest.raises(SandboxError, match=r"no interpreter 'cobol'.*known: python"):
        interpreter.hook_path("cobol", "/usr/bin/cobol")


def test_a_program_that_does_not_tell_its_version_is_named() -> None:
    with pytest.raises(SandboxError, match="/usr/bin/false does not tell its version"):
        interpreter.hook_path("python", "/usr/bin/false")


def test_a_missing_hook_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="hook of interpreter 'python' cannot be read"):
        interpreter.hook(tmp_path, "python")


def test_the_hook_is_that_of_the_configuration() -> None:
    assert b"usercustomize" in interpreter.hook(TREE / "jail-configs", "python")


def test_arguments_are_told_with_their_length() -> None:
    assert interpreter.order(()) == b"\0\0\0\0"
    assert interpreter.order(("a", "", "\udcff")) == b"\x05\0\0\0a\0\0\xff\0"
