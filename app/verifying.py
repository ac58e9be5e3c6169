"""Grading the example submissions of a problem, and comparing what they come to with what its package says.

Two kinds of packages: those of Kattis and the ICPC, which are sent to the platform as a problem, and those of
`app/golden.py`, whose submissions bring their test cases themselves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from app.golden import Golden, differences
from domain.packages.limits import Inference
from domain.problem import Example

if TYPE_CHECKING:
    from client import BatchItem, Language, Submission, SubmissionRequest

NEAR = 1e-6
"""Points are sums of fractions."""

Progress = Callable[[int], None]


class Api(Protocol):
    """What of the client is needed here."""

    def languages(self) -> "list[Language]":
        """List languages."""

    def run_batch(
        self, requests: "Sequence[SubmissionRequest]", *, progress: Progress | None = None
    ) -> "list[BatchItem]":
        """Send submissions and give what became of each."""


@dataclass(frozen=True)
class Outcome:
    """What became of one example submission."""

    name: str
    language: str
    expected: str
    got: str
    ok: bool | None
    """None where it could not be run here: that is no difference."""
    cpu_time_ms: int | None = None
    points: float | None = None
    message: str = ""

    def json(self) -> dict[str, object]:
        """Give it for a program to read."""
        return dict(vars(self))


def verify(api: Api, problem_id: str, examples: Sequence[Example], progress: Progress) -> list[Outcome]:
    """Grade example submissions of a stored problem."""
    available = {language["name"] for language in api.languages() if language["available"]}
    runnable = [example for example in examples if _language(example) in available]
    items = api.run_batch([_request(problem_id, example) for example in runnable], progress=progress)
    found = {example.path: _outcome(example, item) for example, item in zip(runnable, items, strict=True)}
    return [found.get(example.path) or _absent(example) for example in examples]


def verify_golden(api: Api, packages: Sequence[Golden], progress: Progress) -> list[Outcome]:
    """Grade the submissions of a package whose submissions bring their test cases."""
    items = api.run_batch([golden.body for golden in packages], progress=progress)  # type: ignore[misc] # as it is sent
    return [_golden_outcome(golden, item) for golden, item in zip(packages, items, strict=True)]


def time_limit_ms(outcomes: Sequence[Outcome], inference: Inference) -> int | None:
    """Say which time limit follows from accepted submissions; None where none was accepted."""
    spent = [one.cpu_time_ms for one in outcomes if one.ok and one.cpu_time_ms is not None]
    return inference.timeout_ms(max(spent)) if spent else None


def accepted(examples: Sequence[Example]) -> list[Example]:
    """Give those by which a time limit is found."""
    return [example for example in examples if example.path.startswith("accepted/")]


def _language(example: Example) -> str:
    return example.program.language.partition("@")[0]


def _request(problem_id: str, example: Example) -> "SubmissionRequest":
    from client import code, files  # noqa: PLC0415 - it takes a tenth of a second to import

    program = example.program
    only = program.sources[0] if len(program.sources) == 1 else None
    source = (
        files({file.path: file.content for file in program.sources})
        if only is None or "/" in only.path
        else code(only.content, only.path)
    )
    request: SubmissionRequest = {"language": program.language, "source": source, "problem_id": problem_id}
    if program.entry_point is not None:
        request["entry_point"] = program.entry_point
    return request


def _outcome(example: Example, item: "BatchItem") -> Outcome:
    if "submission" not in item:
        return Outcome(example.path, example.program.language, _wanted(example), "refused", False, message=_why(item))
    execution = item["submission"]["execution"]
    verdict, points = execution["verdict"], execution["points"]
    ok = (not example.expected or verdict in example.expected) and _worth(example, points) and verdict != "JE"
    return Outcome(
        example.path,
        example.program.language,
        _wanted(example),
        verdict or execution["state"],
        ok,
        _slowest(item["submission"]),
        points,
        _told(item["submission"]),
    )


def _absent(example: Example) -> Outcome:
    message = f"no worker has {_language(example)}"
    return Outcome(example.path, example.program.language, _wanted(example), "-", None, message=message)


def _wanted(example: Example) -> str:
    verdicts = "|".join(example.expected) or "any"
    if example.points is None:
        return verdicts
    least, most = example.points
    return f"{verdicts} {least:g}" if least == most else f"{verdicts} {least:g}..{most:g}"


def _worth(example: Example, points: float | None) -> bool:
    if example.points is None:
        return True
    least, most = example.points
    near = NEAR if least == most else NEAR * NEAR
    return points is not None and least - near <= points <= most + near


def _slowest(submission: "Submission") -> int | None:
    spent = [result["usage"]["cpu_time_ms"] for result in submission["execution"]["test_results"] if result["usage"]]
    return max(spent, default=None)


def _told(submission: "Submission") -> str:
    """Say where it ended, and why."""
    execution = submission["execution"]
    failed = next((one for one in execution["test_results"] if one["verdict"] not in {"AC", "OK", None}), None)
    parts = [failed["name"] if failed else None, execution["reason"], execution["message"]]
    return ": ".join(str(part) for part in parts if part)


def _why(item: "BatchItem") -> str:
    error: Mapping[str, Any] = item.get("error", {})
    return str(error.get("message") or f"HTTP {item['status']}")


def _golden_outcome(golden: Golden, item: "BatchItem") -> Outcome:
    language, wanted = str(golden.body["language"]), _verdict(golden.verdict, golden.reason)
    if "submission" not in item:
        return Outcome(golden.id, language, wanted, "refused", False, message=_why(item))
    execution = item["submission"]["execution"]
    wrong = list(_golden_differences(golden, execution))
    points = execution["points"]
    got = _verdict(execution["verdict"] or execution["state"], execution["reason"])
    return Outcome(golden.id, language, wanted, got, not wrong, _slowest(item["submission"]), points, "; ".join(wrong))


def _golden_differences(golden: Golden, execution: Mapping[str, Any]) -> list[str]:
    found = []
    if (execution["verdict"], execution["reason"]) != (golden.verdict, golden.reason):
        found.append(f"verdict is not {_verdict(golden.verdict, golden.reason)}")
    tests = tuple(_verdict(result["verdict"], result["reason"]) for result in execution["test_results"])
    if golden.tests is not None and tests != golden.tests:
        found.append(f"test results are {', '.join(tests)}")
    found.extend(differences(golden.shows, execution))
    if golden.says not in f"{execution['compile_output']}\n{execution['message']}":
        found.append(f"neither compiler nor message says {golden.says!r}")
    return found


def _verdict(verdict: str | None, reason: str | None) -> str:
    return " ".join(part for part in (verdict, reason) if part)
