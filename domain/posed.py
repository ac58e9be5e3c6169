"""A version of a problem as submissions are judged by it: found for who submits, and kept in memory by who grades.

Versions never change, so that what is kept is never wrong. Test data is not in it but for what stands in rows, which is
short: `workers/run.py` loads what it runs.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain import problem_rows
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import InvalidRequest, Problem
from domain.file import File
from domain.included import laid_over
from domain.judging import Judging
from domain.kept_case import KeptCase
from domain.limits import Constraints, Ranges
from domain.model import Checker, Expectation, Submission, TestCase
from domain.payload import Payload
from domain.problem import ProblemCase, ProblemVersion

MOST_BYTES = 64 * 1024 * 1024
"""So much of what stands in rows is kept in a process."""
_CASE_BYTES = 1024
"""What a test case takes besides its data, about."""

_NEWEST = b"""
    SELECT v.id, v.number, p.id IS NOT NULL FROM (SELECT $1::text AS wanted) AS asked
    LEFT JOIN problems AS p ON p.id = wanted AND p.deleted_at IS NULL
        AND (p.visibility = 'public' OR $2::uuid IS NULL OR p.owner_id = $2)
    LEFT JOIN LATERAL (
        SELECT id, number FROM problem_versions WHERE problem_id = p.id AND state = 'ready'
        ORDER BY number DESC LIMIT 1
    ) AS v ON true
"""


@dataclass(frozen=True)
class Posed:
    """What of a version decides how a submission is judged."""

    problem_id: str
    test_cases: tuple[TestCase, ...]
    checker: Checker
    judging: Judging
    constraints: Constraints
    language_constraints: Mapping[str, Mapping[str, int]]
    languages: tuple[str, ...]
    outputs: tuple[str, ...]
    stop_on_first_failure: bool
    included: Mapping[str, tuple[File, ...]]

    @classmethod
    def of(cls, version: ProblemVersion) -> "Posed":
        """Take it from a version."""
        return cls(
            problem_id=version.id,
            test_cases=tuple(map(_test_case, version.test_cases)),
            checker=version.checker,
            judging=version.judging,
            constraints=version.constraints,
            language_constraints=version.language_constraints,
            languages=version.languages,
            outputs=version.outputs,
            stop_on_first_failure=version.stop_on_first_failure,
            included=version.included,
        )

    def constraints_for(self, language: str) -> Constraints:
        """Give what may be spent in a language, `cpp` or `cpp@17`."""
        changed = self.language_constraints
        given: dict[str, Any] = {**changed.get(_name(language), {}), **changed.get(language, {})}
        return replace(self.constraints, **given)

    def allows(self, language: str) -> bool:
        """Say whether submissions may be in this language."""
        return not self.languages or bool({language, _name(language)} & set(self.languages))

    def applied(self, submission: Submission) -> Submission:
        """Put what the problem says into a submission."""
        judging = self.judging
        sources, entry_point = laid_over(submission.sources, submission.entry_point, submission.language, self.included)
        return replace(
            submission,
            sources=sources,
            entry_point=entry_point,
            test_cases=self.test_cases,
            checker=self.checker,
            interactor=judging.interactor,
            passes=judging.passes,
            groups=judging.groups,
            function=judging.function,
            suite=judging.suite,
            constraints=self.constraints_for(submission.language),
            outputs=self.outputs,
            stop_on_first_failure=self.stop_on_first_failure,
        )

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, about."""
        return sum(_CASE_BYTES + sum(map(_inline_bytes, _payloads(case.kept))) for case in self.test_cases)


class _Known:
    """Versions that were read lately, up to MOST_BYTES of them, for all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: OrderedDict[UUID, Posed] = OrderedDict()
        self._bytes = 0

    def get(self, version_id: UUID) -> Posed | None:
        with self._lock:
            found = self._by_id.get(version_id)
            if found is not None:
                self._by_id.move_to_end(version_id)
            return found

    def keep(self, version_id: UUID, posed: Posed) -> None:
        with self._lock:
            if version_id in self._by_id:
                return
            self._by_id[version_id] = posed
            self._bytes += posed.size_bytes
            while self._bytes > MOST_BYTES and len(self._by_id) > 1:
                _, oldest = self._by_id.popitem(last=False)
                self._bytes -= oldest.size_bytes


_known = _Known()


def read(db: Database, blobs: BlobStore, version_id: UUID) -> Posed:
    """Give a version, from memory where it was read lately. Raises InvalidRequest, Unavailable, BlobMissing."""
    found = _known.get(version_id)
    if found is not None:
        return found
    with db.read() as tx:
        version = problem_rows.read(tx, version_id, blobs)
    if version is None:
        raise InvalidRequest(unknown(str(version_id)))
    posed = Posed.of(version)
    _known.keep(version_id, posed)
    return posed


class Finder:
    """Finds the problems that submissions name, each once; for one request."""

    def __init__(self, db: Database, blobs: BlobStore) -> None:
        self._db = db
        self._blobs = blobs
        self._found: dict[tuple[str, UUID | None], tuple[UUID | None, int | None, bool]] = {}

    def resolve(self, new: Submission) -> Submission:
        """Find the problem that a submission names, and put in what it says; others are given as they are.

        Raises InvalidRequest for one that is not there or not ready, for a language that it does not take, and where
        it gives more than the sender may ask for; Unavailable, BlobMissing.
        """
        asked = new.by_problem
        if asked is None or new.problem_id is None:
            return new
        version_id, number, there = self._newest(new.problem_id, asked.viewer)
        if not there:
            raise InvalidRequest(unknown(new.problem_id))
        if version_id is None:
            raise InvalidRequest(_not_ready(new.problem_id))
        posed = read(self._db, self._blobs, version_id)
        wrong = [*_refused_language(posed, new.language), *_beyond(posed, new.language, asked.ranges)]
        if wrong:
            raise InvalidRequest(*wrong)
        return posed.applied(replace(new, by_problem=replace(asked, version_id=version_id, number=number)))

    def _newest(self, problem_id: str, viewer: UUID | None) -> tuple[UUID | None, int | None, bool]:
        asked = problem_id, viewer
        if asked not in self._found:
            with self._db.statement() as tx:
                row = tx.run(_NEWEST, [*asked]).fetchone()
            self._found[asked] = (None, None, False) if row is None else (row[0], row[1], row[2])
        return self._found[asked]


def unknown(problem_id: str) -> Problem:
    """Say that nobody knows a problem, or not whoever asks."""
    hint = "check the id at GET /v1/problems, or send test_cases: then problem_id is a label"
    return Problem("problem_id", f"unknown problem {problem_id[:60]!r}", hint)


def _not_ready(problem_id: str) -> Problem:
    hint = f"its author sees at GET /v1/problems/{problem_id}/versions what its check found"
    return Problem("problem_id", f"the problem {problem_id} has no version that is ready", hint)


def _refused_language(posed: Posed, language: str) -> Sequence[Problem]:
    if posed.allows(language):
        return ()
    hint = "use one of " + ", ".join(posed.languages)
    return (Problem("language", f"{language} is not allowed for the problem {posed.problem_id}", hint),)


def _beyond(posed: Posed, language: str, ranges: Ranges | None) -> Sequence[Problem]:
    """Say what a problem gives that the sender may not have: to all its test cases, or to one of them."""
    needed = posed.constraints_for(language)
    longest = max((case.timeout_ms for case in posed.test_cases if case.timeout_ms is not None), default=0)
    needed = replace(needed, timeout_ms=max(needed.timeout_ms, longest))
    return [
        Problem(
            "problem_id",
            f"it gives programs {name} = {value}, above the ceiling of {allowed.ceiling} of this key",
            "ask the operator for a key with more",
        )
        for name, allowed in (ranges.items() if ranges is not None else ())
        if (value := getattr(needed, name)) is not None and value > allowed.ceiling
    ]


def _test_case(case: ProblemCase) -> TestCase:
    kept = KeptCase(case.stdin, case.expected_stdout, case.files, case.expected_files)
    return TestCase(
        ordinal=case.ordinal,
        name=case.name,
        arguments=case.arguments,
        expected=Expectation(exit_code=case.expected_exit_code),
        timeout_ms=case.timeout_ms,
        is_hidden=case.is_hidden,
        points=case.points,
        group=case.group,
        checker_arguments=case.checker_arguments,
        kept=kept,
    )


def _payloads(kept: KeptCase | None) -> Sequence[Payload]:
    if kept is None:
        return ()
    files = (file.content for file in (*kept.files, *kept.expected_files))
    return (kept.stdin, kept.expected_stdout or Payload(), *files)


def _inline_bytes(payload: Payload) -> int:
    return len(payload.inline or b"")


def _name(language: str) -> str:
    return language.partition("@")[0]
