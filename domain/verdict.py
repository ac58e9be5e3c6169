"""Verdicts, states, and the verdict of the whole from those of its parts (pure).

Which verdict a test case gets is decided in `workers/run.py` and `workers/check.py`, in the order of
`docs/semantics.md`; the reason beside it comes from the closed list there.
"""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """How a test case, or a whole execution, ended."""

    AC = "AC"
    WA = "WA"
    TLE = "TLE"
    MLE = "MLE"
    OLE = "OLE"
    RTE = "RTE"
    CE = "CE"
    JE = "JE"
    OK = "OK"

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong: accepted, or run to exit code 0 with nothing to compare."""
        return self in (Verdict.AC, Verdict.OK)


class State(StrEnum):
    """Where an execution is; never mixed with its verdict."""

    QUEUED = "queued"
    PREPARING = "preparing"
    COMPILING = "compiling"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether no further change can come."""
        return self in (State.DONE, State.CANCELLED)


SKIPPED = "skipped"
"""The reason of a test case that `stop_on_first_failure`, or its test group, left out; its verdict is null."""


def overall(parts: Iterable[tuple[Verdict | None, str | None]]) -> tuple[Verdict, str | None]:
    """Give verdict and reason of the whole: the first part that did not pass; else AC if any is AC; else OK.

    `parts` are (verdict, reason) in the order of the test cases; skipped ones (verdict None) do not count.
    """
    accepted = False
    for verdict, reason in parts:
        if verdict is None:
            continue
        if not verdict.passed:
            return verdict, reason
        accepted = accepted or verdict is Verdict.AC
    return (Verdict.AC if accepted else Verdict.OK), None


_HIDDEN_REASONS = {
    Verdict.TLE: {"cpu": "cpu", "wall": "wall"},
    Verdict.MLE: {"memory": "memory"},
}


def hidden_reason(verdict: Verdict | None, reason: str | None) -> str | None:
    """Give the only reason that may be told of a hidden test case: cpu, wall, memory, output, runtime or null."""
    if verdict is Verdict.OLE:
        return "output"
    if verdict is Verdict.RTE:
        return "runtime"
    return _HIDDEN_REASONS.get(verdict, {}).get(reason or "") if verdict else None
