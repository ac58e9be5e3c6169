import itertools
import signal
from dataclasses import replace

import pytest

from sandbox.result import Cause, Evidence, decide

NOTHING = Evidence(
    exit_code=0,
    exit_signal=None,
    oom_killed=False,
    stdout_overflow=False,
    stderr_overflow=False,
    cpu_exceeded=False,
    wall_exceeded=False,
    denied_syscall=None,
    forks_refused=False,
)

# In the order in which they decide: each with the evidence that alone would lead to it.
IN_ORDER: list[tuple[Cause, dict[str, object]]] = [
    (Cause.MEMORY, {"oom_killed": True}),
    (Cause.STDOUT, {"stdout_overflow": True}),
    (Cause.STDERR, {"stderr_overflow": True}),
    (Cause.FILE, {"exit_code": None, "exit_signal": int(signal.SIGXFSZ)}),
    (Cause.CPU, {"cpu_exceeded": True}),
    (Cause.WALL, {"wall_exceeded": True}),
    (Cause.SYSCALL, {"denied_syscall": "ptrace"}),
    (Cause.PROCESSES, {"forks_refused": True, "exit_code": 1}),
    (Cause.SIGNAL, {"exit_code": None, "exit_signal": 9}),
]


def with_evidence(*changes: dict[str, object]) -> Evidence:
    merged: dict[str, object] = {}
    for change in reversed(changes):  # the first has the last word
        merged |= change
    return replace(NOTHING, **merged)  # type: ignore[arg-type]


@pytest.mark.parametrize(("cause", "change"), IN_ORDER)
def test_one_reason_alone(cause: Cause, change: dict[str, object]) -> None:
    assert decide(with_evidence(change)) is cause


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(IN_ORDER, 2)))
def test_the_earlier_reason_decides(
    first: tuple[Cause, dict[str, object]], second: tuple[Cause, dict[str, object]]
) -> None:
    assert decide(with_evidence(first[1], second[1])) is first[0]


def test_every_cause_has_its_place() -> None:
    assert {cause for cause, _ in IN_ORDER} | {Cause.EXIT} == set(Cause)


@pytest.mark.parametrize("code", [0, 1, 137, 255])
def test_a_plain_exit_has_no_other_cause(code: int) -> None:
    assert decide(replace(NOTHING, exit_code=code)) is Cause.EXIT


def test_a_refused_fork_is_no_cause_where_the_program_went_well() -> None:
    assert decide(replace(NOTHING, forks_refused=True)) is Cause.EXIT


def test_a_refused_fork_is_the_cause_where_a_signal_ended_the_program() -> None:
    assert decide(replace(NOTHING, forks_refused=True, exit_code=None, exit_signal=6)) is Cause.PROCESSES
