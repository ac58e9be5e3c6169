"""What room an execution takes on a host: the most that its steps need at a time, until its first run and from then on.

Nothing grows while it is graded, so nobody waits for room with room in hand. It takes at once what its compilers may
spend, and gives back what runs do not need when they begin.
"""

from collections.abc import Iterator
from dataclasses import replace

from domain import source_trees
from domain.judging import Program
from domain.languages import Languages
from domain.limits import Constraints
from domain.model import Submission, TestCase
from domain.static_checks import StaticCheck
from sandbox import Room
from sandbox.room import FILES_BYTES, size_on_disk
from workers.author_program import CONSTRAINTS
from workers.prepare import MIB, Plan

ROOM_FOR_FILES_BYTES = 32 * MIB
"""Of a test case's files, which is always there: the rest of FILES_BYTES is for what was compiled."""
PROGRAMS = Room(CONSTRAINTS.memory_mb * MIB, own_bytes=0)
"""Of an author's programs alone, which are compiled and run one after the other."""


def room_of(made: Plan, languages: Languages, check: StaticCheck | None = None) -> Room:
    """Say what a submission needs; raises InvalidRequest for a program in a language that is not known."""
    return replace(running_room(made), at_first_bytes=max(_compiling_mb(made, languages, check), default=0) * MIB)


def running_room(made: Plan) -> Room:
    """Say what the runs of a submission need, once everything is compiled."""
    submission = made.submission
    constraints = submission.constraints
    disk = _disk_bytes(constraints, submission.test_cases)
    return Room(_running_mb(submission) * MIB, disk, own_bytes=constraints.memory_mb * MIB)


def _running_mb(submission: Submission) -> int:
    """Program and interactor stand at the same time; a checker comes after the program."""
    beside = CONSTRAINTS.memory_mb if submission.interactor is not None else 0
    after = CONSTRAINTS.memory_mb if submission.checker.program is not None else 0
    return max(submission.constraints.memory_mb + beside, after)


def _compiling_mb(made: Plan, languages: Languages, check: StaticCheck | None) -> Iterator[int]:
    if check is not None:
        yield check.limits.memory_mb
    step = source_trees.compile_step(made.language, made.submission.sources)
    if made.language.compile is not None and step is not None:
        yield made.language.compile.memory_mb
    for program in _programs(made.submission):
        compiling = languages.choose(program.language).language.compile
        if compiling is not None:
            yield compiling.memory_mb


def _programs(submission: Submission) -> Iterator[Program]:
    if submission.checker.program is not None:
        yield submission.checker.program
    if submission.interactor is not None:
        yield submission.interactor.program


def _disk_bytes(constraints: Constraints, cases: tuple[TestCase, ...]) -> int:
    if constraints.disk_is_tmpfs:
        return 0
    largest = max(map(_files_bytes, cases), default=0)
    return size_on_disk(constraints.disk_limit_mb * MIB + FILES_BYTES + max(0, largest - ROOM_FOR_FILES_BYTES))


def _files_bytes(case: TestCase) -> int:
    if case.kept is not None:
        return sum(file.size_bytes for file in case.kept.files)
    return sum(len(file.content) for file in case.files)
