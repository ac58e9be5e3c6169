from dataclasses import replace

import pytest

from sandbox import Command
from sandbox.kind import ROOMY, Kind
from sandbox.limits import Limits

LIMITS = Limits(1000, 3000, 64 << 20, 1024, 2048, 20, 1000, 100)
HELD = Command(("/bin/x", "--room=64"), "x", {"B": "1", "A": "2"}, arguments=("y",), held_at="main.x")


def test_one_kind_is_for_all_that_is_executed() -> None:
    one = Kind.of(Command(("/bin/a",), "strict"), ("/m",), LIMITS)
    assert one == Kind.of(Command(("/bin/b",), "python", {"A": "1"}), ("/m",)) == Kind(("/m",))
    assert one.command == Command(("launcher",), "strict")


def test_an_interpreter_serves_any_limits() -> None:
    command = Command(("/bin/x",), "x", interpreter="x")
    assert Kind.of(command, (), LIMITS) == Kind.of(command, ())
    assert Kind.of(command, ()).limits == ROOMY


def test_what_is_held_is_started_exactly_as_it_would_be() -> None:
    kind = Kind.of(HELD, ("/m",), LIMITS)
    assert kind.command.line == HELD.line
    assert kind.command.environment == HELD.environment
    assert (kind.held_at, kind.policy, kind.interpreter) == ("main.x", "x", None)
    assert kind.executing == Kind(("/m",))
    assert kind.memory_bytes > Kind.of(replace(HELD, interpreter="x"), ()).memory_bytes > Kind().memory_bytes


def test_without_limits_nothing_is_held() -> None:
    assert Kind.of(HELD, ()) == Kind()


@pytest.mark.parametrize("name", ["memory_bytes", "processes", "cpu_millicores", "open_files"])
def test_what_is_seen_at_the_start_makes_another_kind(name: str) -> None:
    more = getattr(LIMITS, name) + 1
    kind = Kind.of(HELD, (), replace(LIMITS, **{name: more}))
    assert kind != Kind.of(HELD, (), LIMITS)
    assert getattr(kind.limits, name) == more


@pytest.mark.parametrize("name", ["memory_bytes", "cpu_millicores"])
def test_with_little_of_it_nothing_is_held(name: str) -> None:
    assert Kind.of(HELD, (), replace(LIMITS, **{name: getattr(LIMITS, name) - 1})) == Kind()


def test_what_is_set_when_it_is_let_in_does_not() -> None:
    other = replace(LIMITS, cpu_time_ms=7, wall_time_ms=7, output_bytes=7, file_bytes=7)
    assert Kind.of(HELD, (), other) == Kind.of(HELD, (), LIMITS)
