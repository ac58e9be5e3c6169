"""What became of an execution in a few words, ids and numbers: its one log line, and what its spans say (pure).

Nothing of it is a sender's: no name, no path, no text that a program, a compiler or a checker wrote. Of hidden test
cases it says what answers say.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from domain.model import Claim, Outcome, TestCase, TestResult
from domain.redaction import told, whole_is_of_hidden
from domain.spans import Attributes
from domain.verdict import SKIPPED, Verdict, hidden_reason

_WITH_PATH = "file:"


def plain(reason: str | None) -> str | None:
    """Give a reason without the path that stands in it."""
    return _WITH_PATH.removesuffix(":") if reason is not None and reason.startswith(_WITH_PATH) else reason


def of_case(language: str, case: TestCase, result: TestResult) -> Attributes:
    """Say of one test case what its span may."""
    known = told("", result, is_hidden=case.is_hidden)
    usage, seen = known.usage, result.telemetry
    return {
        "shipd.language": language,
        "shipd.verdict": known.verdict or SKIPPED,
        "shipd.reason": plain(known.reason),
        "shipd.cpu_time_ms": usage.cpu_time_ms if usage is not None else None,
        "shipd.wall_time_ms": usage.wall_time_ms if usage is not None else None,
        "shipd.memory_bytes": usage.memory_bytes if usage is not None else None,
        "shipd.jail.mode": seen.mode if seen is not None else None,
    }


@dataclass
class Story:
    """What is noted of an execution while it is graded; belongs to the thread that grades."""

    verdicts: Counter[str] = field(default_factory=Counter)
    """How many test cases by verdict, `skipped` among them."""
    modes: Counter[str] = field(default_factory=Counter)
    """How many runs by the way their jails were made."""
    slots: set[int] = field(default_factory=set)
    cpu_time_ms: int = 0
    wall_time_ms: int = 0
    memory_bytes: int | None = None
    cached: int = 0
    denied_syscalls: int = 0
    _ended: list[tuple[bool, Verdict | None]] = field(default_factory=list)

    def note(self, case: TestCase, result: TestResult) -> None:
        """Take a result in its turn."""
        self._ended.append((case.is_hidden, result.verdict))
        self.verdicts[result.verdict or SKIPPED] += 1
        self.cached += result.cached
        usage, seen = result.usage, result.telemetry
        if usage is not None and not result.cached:
            self.cpu_time_ms += usage.cpu_time_ms
            self.wall_time_ms += usage.wall_time_ms
            self.memory_bytes = max(usage.memory_bytes or 0, self.memory_bytes or 0) or None
        if seen is not None and not result.cached:
            self.modes[seen.mode or "unknown"] += 1
            self.slots |= set() if seen.slot is None else {seen.slot}
            self.denied_syscalls += sum(seen.denied_syscalls.values())

    def line(self, claim: Claim, outcome: Outcome) -> dict[str, Any]:
        """Give the fields of `execution_done`: see docs/operations.md."""
        known, asked = outcome.telemetry, claim.submission
        reason = outcome.reason
        if whole_is_of_hidden(self._ended, outcome.verdict):
            reason = hidden_reason(outcome.verdict, reason)
        return {
            "submission_id": str(claim.submission_id),
            "owner_id": str(claim.owner_id),
            "number": claim.number,
            "regrade_id": None if claim.regrade_id is None else str(claim.regrade_id),
            "attempt": claim.attempt,
            "region": known.region,
            "host": known.host,
            "worker": known.worker,
            "slots": sorted(self.slots),
            "language": asked.language,
            "priority": asked.priority,
            "verdict": outcome.verdict,
            "reason": plain(reason),
            "test_cases": dict(self.verdicts),
            **asdict(known.phases),
            "total_ms": max(0, round((datetime.now(UTC) - claim.queued_at).total_seconds() * 1000)),
            "cpu_time_ms": self.cpu_time_ms,
            "wall_time_ms": self.wall_time_ms,
            "memory_bytes": self.memory_bytes,
            "compile_cpu_time_ms": None if known.compile_usage is None else known.compile_usage.cpu_time_ms,
            "compile_cache": known.compile_cache,
            "execution_cache": known.execution_cache,
            "cached": self.cached,
            "modes": dict(self.modes),
            "denied_syscalls": self.denied_syscalls,
        }
