"""Submissions by a stored problem: `problem_id` without test cases, and what cannot stand beside it."""

from collections.abc import Mapping

from app.schemas.complaints import Complaint
from app.schemas.parts import CurrentRules
from domain.model import ByProblem

OF_THE_PROBLEM = (
    *("checker", "interactor", "passes", "constraints", "outputs", "stop_on_first_failure", "test_groups"),
    *("function", "suite", "interactive"),
)
"""What the problem says, and nobody who submits to it."""
_HINT = "leave it out: the problem says it; or send test_cases of your own, and problem_id is kept as a label"


def is_by_problem(sent: object) -> bool:
    """Say whether a request names a stored problem: beside test cases its id is a label."""
    return isinstance(sent, dict) and "problem_id" in sent and "test_cases" not in sent


def beside_problem(data: Mapping[str, object]) -> dict[str, object]:
    """Complain of what stands beside a stored problem and is for the problem to say."""
    return {name: [Complaint("cannot stand beside problem_id", _HINT)] for name in OF_THE_PROBLEM if data.get(name)}


def by_problem() -> ByProblem:
    """Say whose problems the caller may name, and what they may ask for."""
    rules = CurrentRules.get()
    return ByProblem(rules.problems_of, rules.ranges)
