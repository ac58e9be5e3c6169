"""Interactive runs: what they take, and how long one may last."""

from collections.abc import Sequence
from dataclasses import replace

from app.schemas.complaints import Complaint
from app.schemas.parts import CurrentRules
from domain.limits import INTERACTIVE_WALL_MS, Constraints
from domain.model import TestCase


def interactive_fault(cases: object) -> Complaint | None:
    """Say why these test cases, as far as they are right, cannot be one run whose input is typed."""
    known = cases if isinstance(cases, list) else []
    if len(known) > 1:
        return Complaint(f"cannot be with {len(known)} test cases", "send one of them, or none, or leave it out")
    for case in known:
        if isinstance(case, TestCase) and case.stdin:
            return Complaint("cannot be with a test case that has stdin", "take stdin out: it is typed instead")
        if isinstance(case, TestCase) and case.is_hidden:
            return Complaint("cannot be with a hidden test case", "what is typed is seen: leave is_hidden out")
    return None


def patient(constraints: Constraints, cases: Sequence[TestCase]) -> Constraints:
    """Give people a minute at least where the request sets no wall limit, if this deployment allows as much."""
    if constraints.wall_timeout_ms is not None:
        return constraints
    usual_ms = max(constraints.wall_limit_ms(asked) for asked in ([case.timeout_ms for case in cases] or [None]))
    allowed_ms = CurrentRules.get().ranges.wall_timeout_ms.ceiling
    return replace(constraints, wall_timeout_ms=max(usual_ms, min(INTERACTIVE_WALL_MS, allowed_ms)))
