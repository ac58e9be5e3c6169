"""The Celery tasks: thin bodies that carry ids only; the work is in `grade` and `deliver`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import UUID

from celery import Celery, Task
from celery.exceptions import Reject

from domain import queue, sentry, spans, tracing
from domain.errors import Unavailable
from domain.line import LineDead, Lines
from domain.logging import bound, logger
from domain.router import Router
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

log = logger(__name__)


def _begins(grader: Grader | None) -> Grader:
    """Give what grades. Raises Reject where the host drains: the message goes back, to be another's."""
    if grader is None:
        raise RuntimeError("this process has no grader: worker_process_init has not run")
    if grader.taking.stopped:
        raise Reject("this host drains", requeue=True)
    return grader


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


def _register_check_problem(celery: Celery, router: Router) -> None:
    @celery.task(name=queue.TASK_CHECK_PROBLEM, shared=False, bind=True)
    def check_problem(self: Task, version_id: str) -> None:
        """Check a version of a problem. Where the database is away the sweeper sends it again."""
        own = _begins(grader)
        with _received(self, "check problem", version_id=version_id):
            try:
                again = ProblemChecker(own).check(UUID(version_id))
            except Unavailable as error:
                log.warning("checking_interrupted", error=str(error))
                return
            if again:
                router.check_problem(celery, UUID(version_id))


def register(celery: Celery, router: Router) -> None:
    """Give the application its tasks."""
    _register_help(celery)
    _register_deliver(celery)
    _register_check_problem(celery, router)

    @celery.task(name=queue.TASK_GRADE, shared=False, bind=True)
    def grade(self: Task, execution_id: str) -> None:
        """Grade one execution. A database that is away is no failure of the task's: the sweeper sends it again."""
        own = _begins(grader)
        with _received(self, "grade", execution_id=execution_id):
            try:
                given_back = own.grade(UUID(execution_id))
            except Unavailable as error:
                log.warning("grading_interrupted", error=str(error))
                return
            if given_back is not None:
                router.send(celery, [(given_back.execution_id, given_back.submission.priority)])


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
