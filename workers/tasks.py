"""The Celery tasks: thin bodies that carry ids only; the work is in `grade` and `domain.sweep`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import UUID

from celery import Celery, Task

from domain import blob_stores, deliveries, executions, problems, queue, regrade_pump, sentry, spans, tracing
from domain.compiled import CompiledStore
from domain.db import Database
from domain.errors import Unavailable
from domain.events import Events
from domain.line import LineDead, Lines
from domain.live import Live
from domain.logging import bound, logger
from domain.settings import Settings
from domain.verdict import State, Verdict
from sandbox import SandboxError
from workers.check_problem import ProblemChecker
from workers.deliver import Deliverer
from workers.grade import Grader
from workers.helper import Helping

grader: Grader | None = None
lines: Lines | None = None
"""Both are set in every process of the pool when it starts."""
deliverer: Deliverer | None = None
"""Set in the process that delivers."""

MIB = 1024 * 1024

log = logger(__name__)


def _prune(settings: Settings, database: Database) -> None:
    """Keep the compile cache within its bounds; what cannot be deleted now will be another time."""
    store = CompiledStore(database, blob_stores.of_compiled(settings))
    try:
        store.prune(settings.compile_cache_mb * MIB, settings.compile_cache_days)
    except (Unavailable, OSError) as error:
        log.warning("compile_cache_not_pruned", error=str(error))


def _sweep_deliveries(celery: Celery, settings: Settings, database: Database) -> None:
    """Send what is due and has no message."""
    try:
        due = deliveries.sweep(database, message_lost_s=settings.message_lost_s)
    except Unavailable as error:
        log.warning("deliveries_not_swept", error=str(error))
        return
    for delivery_id in due:
        queue.deliver(celery, delivery_id)


def _sweep_problems(celery: Celery, settings: Settings, database: Database) -> None:
    """Send again the versions of problems whose check hangs."""
    try:
        overdue = problems.sweep(database, message_lost_s=settings.message_lost_s)
    except Unavailable as error:
        log.warning("problems_not_swept", error=str(error))
        return
    for version_id in overdue:
        queue.check_problem(celery, version_id)


@contextmanager
def _received(task: Task, name: str, **ids: str) -> Iterator[None]:
    """Do a task within the trace that its message bears; its log lines, spans and errors say these ids."""
    sent = task.request.headers or {}
    ids |= tracing.carried(sent)
    sentry.tag(ids)
    known: spans.Attributes = {**spans.MESSAGE, **{f"shipd.{key}": value for key, value in ids.items()}}
    with bound(**ids), spans.received(sent.get(tracing.HEADER), name, known):
        yield


def _register_deliver(celery: Celery) -> None:
    @celery.task(name=queue.TASK_DELIVER, shared=False, bind=True)
    def deliver(self: Task, delivery_id: str) -> None:
        """Make one attempt. A database that is away is no failure of the task's: the sweeper sends it again."""
        if deliverer is None:
            raise RuntimeError("this process delivers nothing: `python -m workers deliver` listens to this queue")
        with _received(self, "deliver", delivery_id=delivery_id):
            try:
                deliverer.deliver(UUID(delivery_id))
            except Unavailable as error:
                log.warning("delivery_interrupted", error=str(error))


def _register_check_problem(celery: Celery) -> None:
    @celery.task(name=queue.TASK_CHECK_PROBLEM, shared=False, bind=True)
    def check_problem(self: Task, version_id: str) -> None:
        """Check a version of a problem. Where the database is away the sweeper sends it again."""
        if grader is None:
            raise RuntimeError("this process has no grader: worker_process_init has not run")
        with _received(self, "check problem", version_id=version_id):
            try:
                again = ProblemChecker(grader).check(UUID(version_id))
            except Unavailable as error:
                log.warning("checking_interrupted", error=str(error))
                return
            if again:
                queue.check_problem(celery, UUID(version_id))


def register(celery: Celery, settings: Settings, database: Database) -> None:
    """Give the application its tasks."""
    _register_help(celery)
    _register_deliver(celery)
    _register_check_problem(celery)
    events, live = Events(settings.redis_url), Live(settings.redis_url)

    def tell_failed(execution_id: UUID, reason: str) -> None:
        events.publish(execution_id, State.DONE)
        live.append(execution_id, "done", {"state": State.DONE, "verdict": Verdict.JE, "reason": reason})

    @celery.task(name=queue.TASK_GRADE, shared=False, bind=True)
    def grade(self: Task, execution_id: str) -> None:
        """Grade one execution. A database that is away is no failure of the task's: the sweeper sends it again."""
        if grader is None:
            raise RuntimeError("this process has no grader: worker_process_init has not run")
        with _received(self, "grade", execution_id=execution_id):
            try:
                given_back = grader.grade(UUID(execution_id))
            except Unavailable as error:
                log.warning("grading_interrupted", error=str(error))
                return
            if given_back is not None:
                queue.enqueue(celery, given_back.execution_id, given_back.submission.priority)

    @celery.task(name=queue.TASK_REGRADE, shared=False)
    def regrade() -> None:
        """Go on with regrades, where there are any."""
        regrade_pump.pump(celery, database)

    @celery.task(name=queue.TASK_SWEEP, shared=False)
    def sweep() -> None:
        """Requeue what was left behind, and end what cannot be graded."""
        try:
            again = executions.sweep(
                database,
                message_lost_s=settings.message_lost_s,
                max_attempts=settings.max_attempts,
                no_host_s=settings.no_host_s,
                finished=tell_failed,
                usual=settings.usual,
            )
        except Unavailable as error:
            log.warning("sweep_interrupted", error=str(error))
            return
        _prune(settings, database)
        for execution_id, priority in again:
            log.info("requeued", execution_id=str(execution_id))
            queue.enqueue(celery, execution_id, priority)
        _sweep_deliveries(celery, settings, database)
        _sweep_problems(celery, settings, database)


def _register_help(celery: Celery) -> None:
    @celery.task(name=queue.TASK_HELP, shared=False, bind=True)
    def help_out(self: Task, execution_id: str, attempt: int, token: str, toolchain: str) -> None:
        """Run test cases of an execution that another host grades; it goes on alone where this ends."""
        if grader is None or lines is None:
            raise RuntimeError("this process has no grader: worker_process_init has not run")
        with _received(self, "help", execution_id=execution_id):
            try:
                with closing(lines.end(token, 1)) as line:
                    Helping(grader, line).serve(UUID(execution_id), attempt, toolchain)
            except (LineDead, Unavailable, SandboxError) as error:
                log.info("help_ended", error=str(error))
