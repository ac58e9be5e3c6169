"""Grade one execution: claim, prepare, compile, run each test case, check, record, finish.

The page to read first. A program's fault is a verdict; ours is a SandboxError, tried again a few times and only then
verdict JE. No transaction is open while a jail of ours is waited for.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from domain import executions, fair, spans, tracing
from domain.blobs import BlobsAway
from domain.errors import InvalidRequest, Unavailable
from domain.fair import User
from domain.limits import EXECUTION_WALL_S
from domain.logging import bound, logger
from domain.model import Claim, ExecutionTelemetry, Outcome, TestResult
from domain.scoring import Score, score
from domain.spans import Kind
from domain.static_checks import StaticCheck
from domain.verdict import State, Verdict, overall
from sandbox import RoomTaken, RunAborted, SandboxError, Slot
from workers import entering, metrics
from workers.broadcast import Broadcast
from workers.check_program import checker_of, not_compiled
from workers.compile import Compiled, CompileError, compile_submission
from workers.equipment import Equipment
from workers.execution_cache import Earlier
from workers.interact import interactor_of
from workers.lease import ClaimLost, Hold
from workers.network import network_of
from workers.patience import patiently
from workers.prepare import Plan, plan
from workers.recorder import Recorder
from workers.run import Bench, in_series
from workers.spread import Spread
from workers.static_check import applying, check_sources
from workers.stopwatch import Stopwatch
from workers.story import Story
from workers.tries import tried
from workers.typist import typing
from workers.work import Work

TOLD_OF_THE_WHOLE = ("submission_id", "number", "attempt", "language", "priority", "verdict", "reason", "total_ms")
"""Of the line about an execution: what its span says too."""

log = logger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Grader(Equipment):
    """Grades; one per worker process, used for one execution at a time."""

    def grade(self, execution_id: UUID) -> Claim | None:
        """Grade an execution to its end. Gives the claim back, and returns it, where the worker must stop before."""
        claim = self._claim(execution_id)
        if claim is None:
            log.info("claim_refused")
            entering.send_parked(self)
            return None
        if self.passes_on(claim):
            return None
        try:
            with (
                bound(submission_id=str(claim.submission_id)),
                self.attempt() as ends,
                self.leases.holding(self.db, claim) as hold,
                self.broadcaster.of(claim) as broadcast,
            ):
                broadcast.state(State.PREPARING)
                grading = Grading(self, claim, hold, broadcast)
                outcome = grading.outcome()
                self._finish(claim, outcome, broadcast, grading.story)
                metrics.ended(claim, outcome, grading.own_ms)
                ends(outcome.reason == "sandbox")
        except ClaimLost:
            log.warning("claim_lost", attempt=claim.attempt)
        except RunAborted:
            if executions.give_back(self.db, claim):
                log.info("execution_given_back", attempt=claim.attempt)
                self.broadcaster.given_back(claim)
                return claim
            log.warning("claim_lost", attempt=claim.attempt)
        except RoomTaken as error:
            entering.park(self, claim, error)
        except BlobsAway as error:
            # Not at once: the sweeper sends it again, as long as the store is away.
            given_back = executions.give_back(self.db, claim)
            log.warning("blobs_away", attempt=claim.attempt, given_back=given_back, error=str(error))
            self.broadcaster.given_back(claim)
        return None

    def _claim(self, execution_id: UUID) -> Claim | None:
        with spans.span("claim", spans.POSTGRESQL, Kind.CLIENT):
            claim = executions.claim(
                self.db,
                self.blobs,
                execution_id,
                worker=self.worker,
                lease_s=self.lease_s,
                max_attempts=self.max_attempts,
            )
        if claim is not None:
            spans.before("queue", claim.queued_at, {"shipd.priority": claim.submission.priority})
        return claim

    def _finish(self, claim: Claim, outcome: Outcome, broadcast: Broadcast, story: Story) -> None:
        finish = partial(executions.finish, self.db, self.blobs, claim, outcome, usual=self.usual)
        announced = partial(self.announced, claim)
        with spans.span("finish", spans.POSTGRESQL, Kind.CLIENT):
            if not patiently(lambda: finish(freed=self._send_waiting, announced=announced), self.lease_s):
                raise ClaimLost
        self.events.publish(claim.execution_id, State.DONE)
        broadcast.done(outcome)
        if claim.regrade_id is not None:
            self.regraded()
        if claim.submission.interactive and self.typed is not None:
            self.typed.forget(claim.execution_id)
        line = story.line(claim, outcome)
        spans.note({f"shipd.{name}": line[name] for name in TOLD_OF_THE_WHOLE})
        log.info("execution_done", **line)

    def _send_waiting(self, user: User) -> None:
        """Send what waited for the place of what was graded. What is not sent now is by the next sweep."""
        try:
            with tracing.outside():  # what each of them belongs to is not known here
                self.send(fair.send_waiting(self.db, user, self.usual))
        except Unavailable as error:
            log.warning("waiting_not_sent", error=str(error))


class Grading:
    """One execution being graded."""

    def __init__(self, grader: Grader, claim: Claim, hold: Hold, broadcast: Broadcast) -> None:
        self.grader = grader
        self.claim = claim
        self.hold = hold
        self.broadcast = broadcast
        self.watch = Stopwatch(_milliseconds_since(claim.queued_at))
        self.earlier: Earlier | None = None
        self.story = Story()
        self.own_ms = 0
        """What runs took themselves; of those at the same moment all count."""
        self.deadline = time.monotonic() + EXECUTION_WALL_S

    def outcome(self) -> Outcome:
        """Do all the steps. Raises ClaimLost, RoomTaken, RunAborted, Unavailable."""
        try:
            return self._compile_and_run(self._prepare())
        except RoomTaken:
            raise
        except SandboxError:
            log.exception("sandbox_failed")
            return Outcome(Verdict.JE, "sandbox", self._telemetry(None, None), message="the sandbox failed; try again")
        except InvalidRequest as error:
            log.exception("language_missing")
            return Outcome(Verdict.JE, "sandbox", self._telemetry(None, None), message=f"not to be run here: {error}")

    def _prepare(self) -> Plan:
        with self.watch.phase("prepare"):
            return plan(self.grader.languages, self.claim.submission, self.claim.seeds)

    def _compile_and_run(self, made: Plan) -> Outcome:
        grader = self.grader
        check = applying(grader.static_checks, made)
        with entering.room(grader, made, check, self.hold) as slot:
            self.deadline = time.monotonic() + EXECUTION_WALL_S
            try:
                compiled = self._compile(made, slot, check)
            except CompileError as error:
                told = (self._telemetry(made, error), error.output, error.message)
                return Outcome(Verdict.CE, error.reason, *told, score=self._score(()))
            try:
                bench = self._judged(self._bench(made, compiled, slot))
            except CompileError as error:
                return self._no_checker(made, compiled, error)
            bench = replace(bench, slot=grader.sandbox.settle(slot))
            self.earlier = grader.executor.look(self.claim, bench)
            results, rest = self._run_all(bench, self.earlier)
        self.hold.check()
        self.earlier.keep()
        verdict, reason = overall((found.verdict, found.reason) for found in results)
        known = self._telemetry(made, compiled)
        return Outcome(verdict, reason, known, compiled.output, results=rest, score=self._score(results))

    def _score(self, results: Sequence[TestResult]) -> Score | None:
        """Add up what test groups earned; None where there are none."""
        submission = self.claim.submission
        return score(submission.groups, submission.test_cases, results) if submission.groups else None

    def _bench(self, made: Plan, compiled: Compiled, slot: Slot) -> Bench:
        source = self.grader.typed if made.submission.interactive else None
        return Bench(
            self.grader.sandbox,
            slot,
            made,
            compiled,
            self.grader.blobs,
            self.watch,
            network_of(made.submission.constraints),
            broadcast=self.broadcast,
            typing=partial(typing, source, self.claim.execution_id),
            deadline=self.deadline,
        )

    def _judged(self, bench: Bench) -> Bench:
        """Bring the author's programs, where there are any. Raises CompileError for one that does not compile."""
        asked = bench.plan.submission, self.hold.descriptor
        if asked[0].checker.program is None and asked[0].interactor is None:
            return bench
        with self.watch.phase("compile"):
            checker = self._tried(lambda: checker_of(self.grader, bench.slot, *asked))
            interactor = self._tried(lambda: interactor_of(self.grader, bench.slot, *asked))
        return replace(bench, checker=checker, interactor=interactor)

    def _no_checker(self, made: Plan, compiled: Compiled, error: CompileError) -> Outcome:
        """End it: nobody can say what is right."""
        message = not_compiled(error, made.submission)
        return Outcome(Verdict.JE, "checker", self._telemetry(made, compiled), compiled.output, message)

    def _compile(self, made: Plan, slot: Slot, check: StaticCheck | None) -> Compiled:
        sandbox, cancel = self.grader.sandbox, self.hold.descriptor
        compiled = Compiled(made.submission.sources)
        if made.language.compile is None and check is None:
            return compiled
        self._enter(State.COMPILING)
        with self.watch.phase("compile") as span:
            if check is not None:
                compiled = self._tried(
                    lambda: check_sources(sandbox, slot, check, made, self.grader.blobs, cancel=cancel)
                )
            if made.language.compile is not None:
                compiler = self.grader.compiler
                anew = partial(compile_submission, sandbox, slot, made, compiler.folder(made), cancel)
                compiled = self._tried(lambda: compiler.compile(made, anew))
            span.set({"shipd.language": made.language.name, "shipd.compile.cache": compiled.cache or "none"})
            return compiled

    def _run_all(self, bench: Bench, earlier: Earlier) -> tuple[list[TestResult], tuple[TestResult, ...]]:
        """Give what became of every test case, without its output, and the results that are not recorded yet."""
        self._enter(State.RUNNING)
        found = []
        recorder = Recorder(self.grader.db, self.grader.blobs, self.claim, self.grader.lease_s)
        submission = self.claim.submission
        stops = submission.stop_on_first_failure
        work = Work(submission.test_cases, stop_on_first_failure=stops, groups=submission.groups, known=earlier.found)
        with in_series(bench, work.left(), work.any_left) as own, self._spread(own, work) as spread:
            self.hold.when_lost(partial(spread.abandon, ClaimLost()))
            for index, result in enumerate(spread.results()):
                self.hold.check()
                self.broadcast.result(submission.test_cases[index], result)
                self._count(bench.plan.language.name, result)
                recorder.add(result)
                self.story.note(submission.test_cases[index], result)
                earlier.note(index, result, in_doubt=index in work.doubted)
                found.append(replace(result, stdout=b"", stderr=b""))
        return found, recorder.rest()

    def _count(self, language: str, result: TestResult) -> None:
        metrics.ran(language, result)
        if result.usage is not None and not result.cached:
            self.own_ms += result.usage.wall_time_ms

    def _spread(self, bench: Bench, work: Work) -> Spread:
        """Run the test cases; after a failure, or when the hour is over, the rest is not run."""
        fleet = self.grader.fleet
        find_help = None if fleet is None else partial(fleet.helper, self.claim, bench.plan)
        return Spread(bench, work, self._tried, bench.deadline, find_help)

    def _tried(self, step: Callable[[], Result]) -> Result:
        """Do a step that makes a jail, as long as the claim is ours. Raises SandboxError, ClaimLost."""
        return tried(step, self.hold.check)

    def _enter(self, state: State) -> None:
        with spans.span("enter", {**spans.POSTGRESQL, "shipd.state": state}, Kind.CLIENT):
            if not patiently(lambda: executions.enter(self.grader.db, self.claim, state), self.grader.lease_s):
                raise ClaimLost
        self.broadcast.state(state)

    def _telemetry(self, made: Plan | None, compiled: Compiled | CompileError | None) -> ExecutionTelemetry:
        versions = dict(self.grader.versions)
        if made is not None:
            versions[made.language.name] = self.grader.language_versions.get(made.language.name, "unknown")
        return ExecutionTelemetry(
            phases=self.watch.phases(),
            host=self.grader.host,
            region=self.grader.region,
            worker=self.grader.worker,
            versions=versions,
            compile=compiled.telemetry if compiled is not None else None,
            compile_usage=compiled.usage if compiled is not None else None,
            compile_cache=compiled.cache if compiled is not None else None,
            execution_cache=self.earlier.use if self.earlier is not None else None,
            language_metrics=compiled.metrics if isinstance(compiled, Compiled) else None,
        )


def _milliseconds_since(moment: datetime) -> int:
    """The queue's time by two clocks, PostgreSQL's and ours: never below nothing."""
    return max(0, round((datetime.now(UTC) - moment).total_seconds() * 1000))
