"""Grade the examples through the HTTP API, and show what came of them."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from standalone.client import Answer, Client
from standalone.examples import Example
from standalone.preflight import as_root

AT_A_TIME = 4
WAIT_S = 60
MIB = 1024 * 1024
SKIPPED = "skipped"


@dataclass(frozen=True)
class Grade:
    """What became of one example; `verdict` is None where it got none, and `note` says why."""

    example: Example
    verdict: str | None
    note: str = ""
    cpu_time_ms: int | None = None
    wall_time_ms: int | None = None
    memory_bytes: int | None = None

    @property
    def as_expected(self) -> bool:
        """Whether it got the verdict it should."""
        return self.verdict == self.example.verdict


def unavailable(client: Client) -> dict[str, str]:
    """Give the languages that no worker of this platform has, each with the line that installs it."""
    listed = client.get("/v1/languages").body.get("languages")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return {str(entry["name"]): str(entry.get("install") or "") for entry in entries if not entry.get("available")}


def grade(client: Client, examples: Sequence[Example], missing: Mapping[str, str]) -> Iterator[Grade]:
    """Grade all examples but those of a `missing` language, a few at a time; each grade comes in their order."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield from pool.map(lambda example: _grade(client, example, missing), examples)


def _grade(client: Client, example: Example, missing: Mapping[str, str]) -> Grade:
    language = example.language.partition("@")[0]
    if language in missing:
        return Grade(example, None, SKIPPED)
    answer = client.post(f"/v1/submissions?wait={WAIT_S}", example.request)
    if answer.status != 201:
        return Grade(example, None, f"HTTP {answer.status}: {answer.body}")
    return _graded(example, answer)


def _graded(example: Example, answer: Answer) -> Grade:
    execution = _mapping(answer.body.get("execution"))
    verdict, reason = execution.get("verdict"), execution.get("reason")
    if not isinstance(verdict, str):
        return Grade(example, None, f"still {execution.get('state')} after {WAIT_S} s")
    results = execution.get("test_results")
    usages = [_mapping(_mapping(result).get("usage")) for result in results] if isinstance(results, list) else []
    return Grade(
        example,
        verdict,
        str(reason or ""),
        _total(usages, "cpu_time_ms"),
        _total(usages, "wall_time_ms"),
        max(_numbers(usages, "memory_bytes"), default=None),
    )


def table(grades: Sequence[Grade]) -> Table:
    """Draw what came out."""
    drawn = Table(title="Examples, graded through the HTTP API")
    for title in ("example", "language", "verdict", "expected"):
        drawn.add_column(title, no_wrap=True)
    for title in ("cpu ms", "wall ms", "memory MiB"):
        drawn.add_column(title, justify="right", no_wrap=True)
    for each in grades:
        drawn.add_row(
            each.example.title,
            each.example.language,
            _verdict(each),
            each.example.verdict,
            _number(each.cpu_time_ms),
            _number(each.wall_time_ms),
            _number(each.memory_bytes and -(-each.memory_bytes // MIB)),
        )
    return drawn


def _verdict(grade: Grade) -> str:
    if grade.verdict is None:
        return "[yellow]skipped[/]" if grade.note == SKIPPED else "[red]none[/]"
    return f"[{'green' if grade.as_expected else 'red'}]{grade.verdict}[/] {escape(grade.note)}"


def remarks(grades: Sequence[Grade], missing: Mapping[str, str]) -> list[str]:
    """Say what stands in the way of the examples that got no verdict."""
    skipped = {each.example.language.partition("@")[0] for each in grades if each.note == SKIPPED}
    lines = [f"{name} is not available; install it:  {as_root(missing[name])}" for name in sorted(skipped)]
    return lines + [f"{each.example.name}: {each.note}" for each in grades if not each.verdict and each.note != SKIPPED]


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _numbers(usages: Sequence[Mapping[str, object]], name: str) -> list[int]:
    return [value for usage in usages if isinstance(value := usage.get(name), int)]


def _total(usages: Sequence[Mapping[str, object]], name: str) -> int | None:
    found = _numbers(usages, name)
    return sum(found) if found else None
