"""Run one test case in a jail of its own, in as many passes as it takes. What it came to: `workers/judge`."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

from domain import spans
from domain.blobs import BlobStore
from domain.model import CheckerType, File, TestCase, TestResult
from domain.verdict import SKIPPED, Verdict
from sandbox import Cause, Jails, Listener, Network, RunAborted, RunResult, SandboxError, Slot, Taker, always
from workers.broadcast import Broadcast
from workers.check_program import CheckerProgram, Written
from workers.collect import Kept, collect
from workers.compile import Compiled
from workers.convert import telemetry_of, usage_of
from workers.fill import fill
from workers.interact import InteractorProgram, settled
from workers.judge import Judgement, judge
from workers.loading import loaded
from workers.passes import Pass, judged, one_too_many, together
from workers.prepare import Plan, disk_bytes, run_limits
from workers.started import refuse_what_did_not_start
from workers.stopwatch import Stopwatch
from workers.story import of_case

NEAR = 1.1


@dataclass(frozen=True)
class Bench:
    """Where the test cases of one execution are run, and with what."""

    sandbox: Jails
    slot: Slot
    plan: Plan
    compiled: Compiled
    blobs: BlobStore
    watch: Stopwatch
    network: Network | None = None
    cancel: int | None = None
    """A descriptor that becomes readable when nobody wants what is being run any more."""
    broadcast: Broadcast | None = None
    """Who tells what programs write while they run."""
    typing: Callable[[], AbstractContextManager[Taker | None]] = nullcontext
    """Gives who types for a run, where its input is typed."""
    checker: CheckerProgram | None = None
    """Where outputs are judged by a program."""
    interactor: InteractorProgram | None = None
    """What talks to the program, where that is not given its input."""
    deadline: float = math.inf
    """By the monotonic clock: no pass of a test case begins after it."""

    def listener(self, case: TestCase) -> Listener | None:
        """Give what hears a run of a test case; nobody hears a hidden one."""
        return None if self.broadcast is None else self.broadcast.listener(case)


def is_doubtful(bench: Bench, case: TestCase, result: TestResult, *, disturbed: bool) -> bool:
    """Whether a TLE may be the neighbours' doing, so that the test case is to be run again.

    It may where it just missed its time while other slots of the host were busy. Where the neighbours were our own
    (`disturbed`), every TLE is in doubt: what they cost is for us to show. Never where the input is typed, for that is
    not typed again.
    """
    if result.verdict is not Verdict.TLE or result.usage is None or bench.plan.submission.interactive:
        return False
    return disturbed or (just_missed(bench.plan, case, result) and bench.sandbox.others_busy(bench.slot))


def run_again(bench: Bench, case: TestCase, first: TestResult) -> TestResult:
    """Run a test case whose TLE is in doubt a second time: the lower time counts. Raises SandboxError, RunAborted."""
    second = run_test_case(bench, case)
    return second if second.verdict is not Verdict.TLE else min(first, second, key=_spent_ms)


def just_missed(plan: Plan, case: TestCase, result: TestResult) -> bool:
    """Whether a TLE lies within a tenth of its limit."""
    limits = run_limits(plan.submission.constraints, case, plan.language)
    limit_ms = limits.cpu_time_ms if result.reason == Cause.CPU else limits.wall_time_ms
    # Of several passes all that was spent is known: each may have had its limit's time.
    return result.verdict is Verdict.TLE and _spent_ms(result) <= limit_ms * NEAR * plan.submission.passes


def _spent_ms(result: TestResult) -> int:
    if result.usage is None:
        return 0
    return result.usage.cpu_time_ms if result.reason == Cause.CPU else result.usage.wall_time_ms


@contextmanager
def in_series(bench: Bench, cases: Sequence[TestCase], wanted: Callable[[], bool] = always) -> Iterator[Bench]:
    """Have several test cases run in jails that are made together, where they can be; ahead while more are `wanted`."""
    plain = bench.network is None and bench.interactor is None and bench.plan.submission.constraints.disk_is_tmpfs
    if len(cases) < 2 or not plain:
        yield bench
        return
    command = bench.plan.run_command(cases[0], bench.compiled.main_class)
    with bench.sandbox.series(bench.slot, command, bench.plan.language.mounts, wanted) as jails:
        yield replace(bench, sandbox=jails)


def run_test_case(bench: Bench, case: TestCase) -> TestResult:
    """Run one test case, once: in as many passes as its checker asks for.

    Raises SandboxError where the run says nothing, RunAborted.
    """
    with spans.span("test case", expected=(RunAborted,)) as span:
        result = _run_passes(bench, case)
        if spans.recording():
            span.set({"shipd.ordinal": case.ordinal, **of_case(bench.plan.language.name, case, result)})
        return result


def _run_passes(bench: Bench, case: TestCase) -> TestResult:
    case = loaded(case, bench.blobs)
    ran = [_run_pass(bench, case, ())]
    while (following := ran[-1].next_input) is not None:
        if len(ran) >= bench.plan.submission.passes:
            ran[-1] = one_too_many(ran[-1], len(ran))
            break
        if time.monotonic() > bench.deadline:
            return out_of_time(case)
        ran.append(_run_pass(bench, replace(case, stdin=following), ran[-1].kept))
    return together([one.result for one in ran])


def _run_pass(bench: Bench, case: TestCase, before: Sequence[File]) -> Pass:
    """Run the program once. `before` is what the checker left for itself when it judged the pass before."""
    plan, watch = bench.plan, bench.watch
    constraints = plan.submission.constraints
    limits = run_limits(constraints, case, plan.language)
    files = plan.files(bench.compiled.files, case)
    size = disk_bytes(constraints.disk_limit_mb, files)
    on_disk = not constraints.disk_is_tmpfs
    main_class = bench.compiled.main_class
    command = replace(plan.run_command(case, main_class), held_at=plan.held_at(case, main_class, files))
    jailed = bench.sandbox.jail(
        bench.slot, limits, size, plan.language.mounts, on_disk=on_disk, network=bench.network, command=command
    )
    with watch.phase("run"), jailed as jail:
        fill(jail.box, files)
        talked = None
        if bench.interactor is not None:
            talked = bench.interactor.talk(bench.slot, (jail, command, limits), case, before, cancel=bench.cancel)
            result = talked.program
        else:
            with bench.typing() as taker:
                listener = bench.listener(case)
                result = jail.run(command, limits, bench.cancel, listener=listener, taker=taker)
        refuse_what_did_not_start(command.argv[0], result)
        with watch.phase("check"):
            judgement = judge(plan, case, result, jail.box)
        with watch.phase("collect"):
            kept = collect(jail.box, plan.submission.outputs, bench.blobs)
    found = _result(case, result, judgement, kept, bench.slot)
    if plan.submission.suite is not None:
        found = replace(found, stdout=b"")  # none of it is the program's own: it is in the interaction
    with watch.phase("check"):
        if talked is not None:
            return settled(bench.slot, case, found, talked, bench.checker, cancel=bench.cancel)
        return _checked(bench, case, found, judgement.unchecked, before) if judgement.unchecked else Pass(found)


def _checked(
    bench: Bench, case: TestCase, found: TestResult, outputs: Sequence[Written], before: Sequence[File]
) -> Pass:
    """Have what a program wrote judged by another, now that its jail is gone."""
    if bench.checker is None:
        raise SandboxError("there is no checker for what it is to judge")
    answer = bench.checker.judge(bench.slot, case, outputs, before, cancel=bench.cancel)
    return judged(case, found, answer)


def _result(case: TestCase, result: RunResult, judgement: Judgement, kept: Kept, slot: Slot) -> TestResult:
    return TestResult(
        ordinal=case.ordinal,
        verdict=judgement.verdict,
        reason=judgement.reason,
        exit_code=result.exit_code,
        exit_signal=result.exit_signal,
        stdout=result.stdout,
        stderr=result.stderr,
        usage=usage_of(result),
        telemetry=telemetry_of(result, slot.numbers[0]),
        points=points(case, judgement.verdict),
        artifacts=kept.artifacts,
        artifacts_cut=kept.cut,
        message=judgement.message,
    )


def points(case: TestCase, verdict: Verdict | None) -> float | None:
    """What a test case earns: its points when it passed, else 0; None where it has none to give."""
    if case.points is None:
        return None
    return case.points if verdict is not None and verdict.passed else 0


def points_again(plan: Plan, case: TestCase, found: TestResult) -> float | None:
    """What a result earns that was found elsewhere, or before: what its checker gave it, else what it is worth now."""
    submission = plan.submission
    judged_by_programs = submission.checker.type is CheckerType.PROGRAM or submission.interactor is not None
    return found.points if judged_by_programs else points(case, found.verdict)


def skipped(case: TestCase) -> TestResult:
    """The result of a test case that was not run because an earlier one failed."""
    return TestResult(case.ordinal, None, SKIPPED, points=points(case, None))


def out_of_time(case: TestCase) -> TestResult:
    """The result of a test case that was not reached within the time of a whole execution."""
    message = "the whole execution took longer than an hour"
    return TestResult(case.ordinal, Verdict.TLE, "wall", points=points(case, None), message=message)
