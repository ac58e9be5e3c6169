"""What goes in and out, as JSON has it: typed dictionaries, so that nothing is converted and nothing is lost.

A field that this release does not know is there all the same. Every field is described at `/docs`.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict


class Base64(TypedDict):
    """Bytes that are no UTF-8."""

    base64: str


Bytes = str | Base64
"""Any bytes: a string is its UTF-8."""


def to_bytes(value: Bytes | None) -> bytes:
    """Give the bytes that a value of the API stands for; none for null."""
    if isinstance(value, str):
        return value.encode()
    return b"" if value is None else base64.b64decode(value["base64"])


class TestCase(TypedDict, total=False):
    """One input with its expectation; plain strings mean stdin and stdout."""

    name: str
    input: Bytes | Mapping[str, object]
    expected_output: Bytes | Mapping[str, object]
    timeout_ms: int
    is_hidden: bool
    points: float
    group: str


class TestGroup(TypedDict):
    """Test cases scored together: they name it as their `group`."""

    name: str
    parent: NotRequired[str]
    aggregation: NotRequired[str]
    points: NotRequired[float]
    requires: NotRequired[Sequence[str]]
    stop_on_first_failure: NotRequired[bool]


class SubmissionRequest(TypedDict):
    """What `submit` sends. The source is made by `code`, `files`, `folder`, `archive` or `git`."""

    language: str
    source: Mapping[str, object]
    id: NotRequired[str]
    entry_point: NotRequired[str]
    arguments: NotRequired[Sequence[str]]
    test_cases: NotRequired[Sequence[TestCase]]
    test_groups: NotRequired[Sequence[TestGroup]]
    problem_id: NotRequired[str]
    checker: NotRequired[Mapping[str, object]]
    interactor: NotRequired[Mapping[str, object]]
    interactive: NotRequired[bool]
    constraints: NotRequired[Mapping[str, object]]
    outputs: NotRequired[Sequence[str]]
    stop_on_first_failure: NotRequired[bool]
    priority: NotRequired[str]
    region: NotRequired[str]
    cache: NotRequired[bool | str]
    callback: NotRequired[Mapping[str, object]]
    user_id: NotRequired[str]
    metadata: NotRequired[Mapping[str, object]]


class Usage(TypedDict):
    """What was spent; `memory_bytes` is null where nobody counted."""

    cpu_time_ms: int
    wall_time_ms: int
    memory_bytes: int | None


class Artifact(TypedDict):
    """A file that `outputs` asked for; `download` takes its `url`."""

    path: str
    size_bytes: int
    sha256: str
    truncated: bool
    url: str


class TestResult(TypedDict):
    """What became of one test case. A hidden one has no more than the first six fields."""

    name: str
    is_hidden: bool
    verdict: str | None
    reason: str | None
    points: float | None
    usage: Usage | None
    group: NotRequired[str | None]
    cached: NotRequired[bool]
    message: NotRequired[str | None]
    exit_code: NotRequired[int | None]
    exit_signal: NotRequired[int | None]
    stdout: NotRequired[Bytes | None]
    stderr: NotRequired[Bytes | None]
    truncated: NotRequired[list[str]]
    links: NotRequired[dict[str, str]]
    artifacts: NotRequired[list[Artifact]]
    telemetry: NotRequired[dict[str, Any] | None]


class GroupResult(TypedDict):
    """What became of a test group."""

    name: str
    parent: str | None
    verdict: str | None
    points: float | None
    max_points: float | None


class Execution(TypedDict):
    """One grading of a submission."""

    id: str
    number: int
    state: str
    verdict: str | None
    reason: str | None
    message: str | None
    exit_code: int | None
    stdout: Bytes | None
    stderr: Bytes | None
    compile_output: Bytes | None
    truncated: NotRequired[list[str]]
    links: NotRequired[dict[str, str]]
    test_results: list[TestResult]
    points: float | None
    test_groups: list[GroupResult]
    tests_run: int
    tests_passed: int
    all_tests_passed: bool
    usage: Usage | None
    telemetry: dict[str, Any] | None
    queued_at: str
    started_at: str | None
    finished_at: str | None


class Submission(TypedDict):
    """A submission with its current execution. In lists the execution has id, state, verdict, reason, points alone."""

    id: str
    links: dict[str, str]
    created_at: str
    language: str
    entry_point: NotRequired[str | None]
    priority: str
    region: NotRequired[str | None]
    metadata: NotRequired[dict[str, Any]]
    user_id: str | None
    problem_id: str | None
    problem_version: NotRequired[int | None]
    constraints: NotRequired[dict[str, Any]]
    execution: Execution


class Page(TypedDict):
    """Some submissions, newest first; a cursor where there may be more."""

    submissions: list[Submission]
    next_cursor: str | None


class Language(TypedDict):
    """A language; `available` where a live worker has it."""

    name: str
    title: str
    versions: list[str]
    default_version: str
    main_file: str
    available: bool
    version: str | None
    install: str | None


class BatchItem(TypedDict):
    """What became of the submission at `index` of a batch: `submission`, or `error` where it was refused."""

    index: int
    status: int
    submission: NotRequired[Submission]
    error: NotRequired[dict[str, Any]]
    after: NotRequired[str]


class Batch(TypedDict):
    """Many submissions sent at once; `items` only in the answer to their sender."""

    id: str
    done: bool
    counts: dict[str, int]
    items: NotRequired[list[BatchItem]]


class Finding(TypedDict):
    """One line of a report; `ok` where all that was said is heeded."""

    stage: str
    name: str
    ok: bool
    message: str


class Problem(TypedDict):
    """A stored problem. What else there is in it: /docs."""

    id: str
    title: NotRequired[str]
    visibility: NotRequired[str]


class ProblemPage(TypedDict):
    """Some problems; a cursor where there may be more."""

    problems: list[Problem]
    next_cursor: str | None


class VersionState(TypedDict):
    """How far a version is: `checking`, `ready` or `refused`, with what its check found."""

    number: int
    state: str
    report: NotRequired[list[Finding]]


class ProblemVersion(TypedDict):
    """A version of a problem. What else there is in it: /docs."""

    id: str
    title: str
    version: VersionState


class TimeLimit(TypedDict):
    """Of one test case; `stated` where the package or the request says it."""

    timeout_ms: int
    stated: bool


class Package(TypedDict):
    """What a package became; `report` says what was left out of it."""

    id: str
    title: str
    version: int
    state: str
    time_limit: TimeLimit
    test_cases: int
    examples: int
    report: list[Finding]


@dataclass(frozen=True)
class Event:
    """Something that happened to a submission: `state`, `test_result`, `output` or `done`, with its data."""

    id: str
    event: str
    data: Mapping[str, Any]
