"""A package as a version of a problem."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domain.blobs import BlobStore
from domain.judging import Judging
from domain.limits import Range, Ranges
from domain.packages import data, extras, header, languages, limits, scoring, statements, submissions, validators
from domain.packages.cases import Reader
from domain.packages.faults import refused
from domain.packages.header import Header
from domain.packages.limits import Limits
from domain.packages.report import Report
from domain.packages.scoring import Scoring
from domain.packages.submissions import Examples
from domain.packages.tree import Tree
from domain.problem import Example, Finding, ProblemVersion

LIMITS, STATED = "limits", "time_limit_stated"
"""In a version's metadata: limits that are kept as the package says them, and whether it says a time limit."""
_UNUSED: Mapping[str, str] = {
    "graders": "groups are scored by the default grader",
    "generators": "test data is not generated",
    "output_visualizer": "nothing is drawn",
    "output_visualizers": "nothing is drawn",
    "input_visualizer": "nothing is drawn",
    "input_visualizers": "nothing is drawn",
    "test_case_visualizer": "nothing is drawn",
    "static_validator": "sources are not validated by programs of a package",
    "answer_validators": "answers are not validated",
    "answer_validator": "answers are not validated",
    "solution": "descriptions of solutions are not kept",
}
_PARTS = {
    *(header.FILE, data.ROOT, submissions.FOLDER, submissions.INCLUDE, statements.ATTACHMENTS),
    *(
        submissions.ENTRY_POINTS,
        ".timelimit",
        "domjudge-problem.ini",
        *statements.FOLDERS,
        *validators.OUTPUT,
        *validators.INPUT,
    ),
}


@dataclass(frozen=True)
class Imported:
    """A version, not kept yet, with what became of the package's parts."""

    version: ProblemVersion
    report: tuple[Finding, ...]
    time_limit_stated: bool


def read(
    tree: Tree, problem_id: str, blobs: BlobStore, *, ranges: Ranges | None = None, timeout_ms: int | None = None
) -> Imported:
    """Read a package; its test data is in the blob store after it. `timeout_ms` stands for a time limit that is none.

    Raises InvalidRequest, and OSError where the disk is full.
    """
    report = Report()
    head = header.read(tree, report)
    judges = validators.read(tree, head, report)
    root = data.read(tree, head, report)
    allowed = ranges or Ranges()
    spent = _timed(limits.read(tree, head, allowed, report), timeout_ms, allowed.timeout_ms)
    worth = scoring.read(root, head, report)
    reader = Reader(tree, head, judges, blobs, report)
    texts = statements.read(tree, head, problem_id, blobs, report)
    _tell_of_unused(tree, report)
    version = ProblemVersion(
        problem_id,
        statements.title(head, texts, problem_id),
        reader.read(root, worth.worths),
        checker=judges.checker,
        judging=Judging(
            judges.checker.program,
            judges.checker.protocol,
            interactor=judges.interactor,
            passes=spent.passes,
            groups=tuple(worth.groups),
        ),
        constraints=spent.constraints,
        languages=_languages(head, report),
        statements=texts,
        attachments=statements.attachments(tree, blobs),
        stop_on_first_failure=not head.scoring,
        input_validators=judges.input_validators,
        validator_arguments=reader.validator_arguments(root),
        examples=Examples(tree, head, _most(worth), report).read(),
        included=submissions.included(tree, head, report),
        metadata={**head.metadata, **_limits_said(spent)},
    )
    version = extras.apply(tree, version, allowed, report)
    return Imported(version, report.lines, spent.stated)


def examples(tree: Tree) -> tuple[Example, ...]:
    """Read the example submissions of a package alone. Raises InvalidRequest."""
    report = Report()
    head = header.read(tree, report)
    worth = scoring.read(data.read(tree, head, report), head, report)
    return Examples(tree, head, _most(worth), report).read()


def inferred(tree: Tree) -> limits.Inference:
    """Say how a package's time limit follows from its accepted submissions. Raises InvalidRequest."""
    return limits.inference(header.read(tree, Report()))


def _timed(spent: Limits, timeout_ms: int | None, allowed: Range) -> Limits:
    """Take the time limit that somebody found, where the package says none."""
    if timeout_ms is None or spent.stated:
        return spent
    taken = min(max(timeout_ms, allowed.floor), allowed.ceiling)
    return replace(spent, constraints=replace(spent.constraints, timeout_ms=taken), stated=True)


def _limits_said(spent: Limits) -> dict[str, object]:
    stated: dict[str, object] = {} if spent.stated else {STATED: False}
    return {**stated, **({LIMITS: dict(spent.rest)} if spent.rest else {})}


def _most(worth: Scoring) -> float | None:
    """Give what the whole is worth; None where nobody knows, or where there are no points."""
    outer = [group.points for group in worth.groups if group.parent is None]
    known = [points for points in outer if points is not None]
    return sum(known) if known and len(known) == len(outer) else None


def _languages(head: Header, report: Report) -> tuple[str, ...]:
    known = [languages.NAMES[code].partition("@")[0] for code in head.languages if code in languages.NAMES]
    unknown = set(head.languages) - set(languages.NAMES)
    if unknown:
        report.skip(f"{header.FILE}: languages", f"nobody here runs {', '.join(sorted(unknown))}")
    if head.languages and not known:
        raise refused(f"{header.FILE}: languages", "names none that runs here", "add one, or write `all`")
    return tuple(dict.fromkeys(known))


def _tell_of_unused(tree: Tree, report: Report) -> None:
    for path in tree.dropped:
        report.skip(path, "there is a backslash in its name")
    for name in tree.names(""):
        if name in _UNUSED:
            report.skip(name, _UNUSED[name])
        elif name not in _PARTS and tree.is_folder(name):
            report.skip(name, "no part of a package has this name")
    for folders in (statements.FOLDERS, validators.OUTPUT, validators.INPUT):
        there = [name for name in folders if tree.is_folder(name)]
        if len(there) > 1:
            report.note(there[1], f"the package has {' and '.join(there)}: one of them is taken")
