"""What a version of a problem may be, however it came here (pure): refused is what nothing could be done with."""

import re
from collections.abc import Iterable, Iterator, Sequence

from domain.document import Document
from domain.errors import InvalidRequest, Problem
from domain.limits import MAX_METADATA_BYTES, Ranges
from domain.problem import ProblemVersion
from domain.problem_bounds import beyond

MOST_CASES = 2000
MOST_ATTACHMENTS = 1000
MOST_STATEMENTS = 50
MOST_EXAMPLES = 1000
MAX_TITLE_CHARS = 255
MAX_DOCUMENT_BYTES = 1024 * 1024 * 1024
MOST_TOLD = 100
"""Of what is wrong: one mistake may stand in every test case."""
ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}", re.ASCII)
ID_HINT = "use up to 100 lower-case letters, digits, - and _, beginning with a letter or a digit"


def refuse_unfit(version: ProblemVersion, ranges: Ranges) -> None:
    """Raise InvalidRequest with what is wrong with a version as such; `ranges` are what its owner may ask for."""
    found = [*_problems(version), *beyond(version, ranges)][:MOST_TOLD]
    if found:
        raise InvalidRequest(*found)


def _problems(version: ProblemVersion) -> Iterator[Problem]:
    if not ID.fullmatch(version.id):
        yield Problem("id", f"{version.id[:60]!r} is no name of a problem", ID_HINT)
    if not 1 <= len(version.title) <= MAX_TITLE_CHARS:
        yield Problem("title", f"has {len(version.title)} characters", f"use 1 to {MAX_TITLE_CHARS}")
    if not version.test_cases:
        yield Problem("test_cases", "must not be empty", "give at least one")
    yield from _too_many("test_cases", version.test_cases, MOST_CASES)
    yield from _too_many("attachments", version.attachments, MOST_ATTACHMENTS)
    yield from _too_many("statements", version.statements, MOST_STATEMENTS)
    yield from _too_many("examples", version.examples, MOST_EXAMPLES)
    yield from _twice("test_cases", "name", [case.name for case in version.test_cases])
    yield from _twice("attachments", "path", [one.path for one in version.attachments])
    yield from _twice("statements", "language", [one.language for one in version.statements])
    yield from _too_long("attachments", version.attachments)
    if len(str(dict(version.metadata))) > 4 * MAX_METADATA_BYTES:
        yield Problem("metadata", "is too long", f"keep it within {MAX_METADATA_BYTES} bytes")


def _too_many(name: str, members: Sequence[object], most: int) -> Iterator[Problem]:
    if len(members) > most:
        yield Problem(name, f"has {len(members)} members, above the ceiling of {most}", "send fewer")


def _twice(name: str, what: str, values: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, value in enumerate(values):
        if value in seen:
            yield Problem(
                f"{name}[{number}].{what}", f"{value[:60]!r} is there twice", f"give each a {what} of its own"
            )
        seen.add(value)


def _too_long(name: str, files: Iterable[Document]) -> Iterator[Problem]:
    for number, file in enumerate(files):
        if file.size_bytes > MAX_DOCUMENT_BYTES:
            message = f"holds {file.size_bytes} bytes, above the ceiling of {MAX_DOCUMENT_BYTES}"
            yield Problem(f"{name}[{number}].content", message, "shorten it, or keep it elsewhere")
