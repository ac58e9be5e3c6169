"""What can be asked of the API about problems, once for both clients."""

from pathlib import Path
from typing import cast

from client.errors import Unreachable
from client.flows import Call, Flow, Pause, Reply
from client.models import Package, Problem, ProblemPage, ProblemVersion

BETWEEN_S = 0.2
"""Between two questions whether a version is checked."""


def problem(problem_id: str) -> Flow[Problem]:
    """Read a problem."""
    return cast("Problem", _json((yield Call("GET", f"/v1/problems/{problem_id}"))))


def problems(*, limit: int = 100, cursor: str | None = None) -> Flow[ProblemPage]:
    """List problems that may be submitted to or are one's own, a page at a time."""
    params: dict[str, str | int | float] = {"limit": limit, **({"cursor": cursor} if cursor else {})}
    return cast("ProblemPage", _json((yield Call("GET", "/v1/problems", params))))


def problem_version(problem_id: str, number: int) -> Flow[ProblemVersion]:
    """Read a version of a problem, with how far its check is."""
    return cast("ProblemVersion", _json((yield Call("GET", f"/v1/problems/{problem_id}/versions/{number}"))))


def checked_version(problem_id: str, number: int) -> Flow[ProblemVersion]:
    """Read a version of a problem once it is checked: look at `state` in its `version`."""
    while True:
        found = yield from problem_version(problem_id, number)
        if found["version"]["state"] != "checking":
            return found
        yield Pause(BETWEEN_S)


def put_package(problem_id: str, package: Path, *, timeout_ms: int | None = None) -> Flow[Package]:
    """Send a zip as a problem, or its next version. `timeout_ms` is the time limit where the package says none."""
    params: dict[str, str | int | float] = {} if timeout_ms is None else {"timeout_ms": timeout_ms}
    headers = {"Content-Type": "application/zip", "Content-Length": str(package.stat().st_size)}
    call = Call("PUT", f"/v1/problems/{problem_id}/package", params, headers=headers, file=package)
    return cast("Package", _json((yield call)))


def delete_problem(problem_id: str) -> Flow[None]:
    """Delete a problem."""
    yield Call("DELETE", f"/v1/problems/{problem_id}")


def _json(said: object) -> object:
    if not isinstance(said, Reply):
        raise TypeError(f"a call must be answered by a reply, not by {said!r}")
    found = said.json()
    if not isinstance(found, dict):
        raise Unreachable("what answers there is not this API: its answer is no JSON object")
    return found
