"""Tell again what became of the same test case of the same program, where its sender asks for that (decision 12).

Kept is what a program came to by itself, far from its limits: AC, WA, OK and RTE `exit:N`. Never what a limit, a signal
or a forbidden call ended, what a loaded host may have decided, or what was run beside us and in doubt. Redis away, an
entry lost, foreign or broken: the test case is run, and no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from domain.blobs import BlobMissing, BlobStore
from domain.errors import Unavailable
from domain.logging import logger
from domain.model import Cache, Claim, ExecutionCache, TestCase, TestResult
from domain.verdict import Verdict
from workers import execution_key
from workers.packing import packed, unpacked
from workers.prepare import Plan, run_limits
from workers.run import Bench, points_again

MAX_BYTES = 1024 * 1024
"""The largest entry that is kept."""
MOST_BYTES = 8 * 1024 * 1024
"""As much is read, and kept, for one execution; its other test cases are run."""
MARGIN = 10
"""What was left of a limit must be a tenth of what was spent."""
_BY_ITSELF = {Verdict.AC, Verdict.WA, Verdict.OK}

log = logger(__name__)


class Store(Protocol):
    """Where it is kept: `domain.kept_runs`."""

    def find(self, keys: Sequence[bytes], most_bytes: int) -> Mapping[bytes, bytes]:
        """Give what there is under these keys, up to so many bytes. Raises Unavailable."""

    def keep(self, entries: Mapping[bytes, bytes]) -> None:
        """Keep these. Raises Unavailable."""


@dataclass
class Earlier:
    """What is known of earlier runs of one execution's test cases, and what will be known of this one's."""

    plan: Plan
    keys: Sequence[bytes] = ()
    """Of every test case, or none where nothing is to be taken or kept."""
    store: Store | None = None
    found: Mapping[int, TestResult] = field(default_factory=dict)
    """By the index of the test case."""
    looked: bool = False
    _new: dict[bytes, bytes] = field(default_factory=dict)
    _bytes: int = 0
    _spared: int = 0
    _run: int = 0

    def note(self, index: int, result: TestResult, *, in_doubt: bool) -> None:
        """Take note of a result in its turn; it is kept with the others unless it was ever `in_doubt`."""
        self._spared += result.cached
        self._run += result.verdict is not None and not result.cached
        case = self.plan.submission.test_cases[index]
        if not self.keys or result.cached or in_doubt or not may_be_kept(self.plan, case, result):
            return
        data = packed(result)
        if len(data) <= MAX_BYTES and self._bytes + len(data) <= MOST_BYTES:
            self._new[self.keys[index]] = data
            self._bytes += len(data)

    def keep(self) -> None:
        """Keep what was noted; where that cannot be, it will be run again."""
        if self.store is None or not self._new:
            return
        try:
            self.store.keep(self._new)
        except Unavailable as error:
            log.warning("execution_cache_unwritten", error=str(error))

    @property
    def use(self) -> ExecutionCache | None:
        """How much of what was noted was spared."""
        if not self.looked:
            return None
        if self._spared == 0:
            return ExecutionCache.MISS
        return ExecutionCache.PARTIAL if self._run else ExecutionCache.HIT


@dataclass(frozen=True)
class Executor:
    """Finds earlier runs; `toolchains` are this host's by language, `platform` what else a result depends on."""

    store: Store | None = None
    toolchains: Mapping[str, str] = field(default_factory=dict)
    platform: Mapping[str, str] = field(default_factory=dict)

    def look(self, claim: Claim, bench: Bench) -> Earlier:
        """Find what is known of an execution's test cases."""
        plan, toolchain = bench.plan, self.toolchains.get(bench.plan.language.name)
        if self.store is None or toolchain is None or not may_be_used(claim):
            return Earlier(plan)
        platform = {**self.platform, "toolchain": toolchain}
        common = execution_key.base(claim, plan, bench.compiled, platform)
        cases = plan.submission.test_cases
        keys = [execution_key.of_case(common, plan, bench.compiled, case) for case in cases]
        try:
            kept = self.store.find(keys, MOST_BYTES)
        except Unavailable as error:
            # Nor is anything kept: who does not answer now would have us wait again.
            log.warning("execution_cache_unread", error=str(error))
            return Earlier(plan, looked=True)
        found = {
            index: result
            for index, (key, case) in enumerate(zip(keys, cases, strict=True))
            if key in kept and (result := _told_again(plan, case, kept[key], bench.blobs)) is not None
        }
        return Earlier(plan, keys, self.store, found, looked=True)


NO_EXECUTION_CACHE = Executor()


def may_be_used(claim: Claim) -> bool:
    """Whether earlier runs may stand for this execution's: where its sender says so, and never for a regrade."""
    asked = claim.submission
    # What comes over a network, or is typed meanwhile, is not ours to know.
    alone = not asked.constraints.network_enabled and not asked.interactive
    return asked.cache is Cache.EXECUTION and claim.number == 1 and alone


def may_be_kept(plan: Plan, case: TestCase, result: TestResult) -> bool:
    """Whether a run would most likely come to the same again."""
    ended = result.verdict in _BY_ITSELF or (result.verdict is Verdict.RTE and str(result.reason).startswith("exit:"))
    return ended and result.exit_signal is None and _far_from_limits(plan, case, result)


def _far_from_limits(plan: Plan, case: TestCase, result: TestResult) -> bool:
    """Whether another host, or this one under load, would not have ended it; what is not known is not far."""
    spent, seen = result.usage, result.telemetry
    if spent is None or spent.memory_bytes is None or seen is None or seen.denied_syscalls:
        return False
    limits = run_limits(plan.submission.constraints, case, plan.language)
    pairs = (
        (spent.cpu_time_ms, limits.cpu_time_ms),
        (spent.wall_time_ms, limits.wall_time_ms),
        (spent.memory_bytes, limits.memory_bytes),
    )
    return all(limit - value >= value / MARGIN for value, limit in pairs) and (seen.pids_peak or 0) < limits.processes


def _told_again(plan: Plan, case: TestCase, data: bytes, blobs: BlobStore) -> TestResult | None:
    """Read an entry as the result of this test case; None where it, or a file that it names, is not what it was."""
    try:
        result = unpacked(data)
        whole = all(blobs.size(item.sha256) == item.size_bytes for item in result.artifacts)
    except (BlobMissing, KeyError, OSError, TypeError, Unavailable, ValueError) as error:
        log.warning("execution_cache_entry_refused", error=repr(error))
        return None
    if not whole:
        return None
    return replace(result, ordinal=case.ordinal, points=points_again(plan, case, result), cached=True)
