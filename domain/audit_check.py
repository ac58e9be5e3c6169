"""Recomputing the chain: the first entry that was changed, taken out, put in or moved is named.

What a chain cannot show by itself is that its end was cut off, or all of it made anew from some entry on. A head that
is kept elsewhere shows that, and so does the log.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain, islice, pairwise

from domain import audit_chain
from domain.audit_chain import START, Head, Link, digest
from domain.db import Database
from domain.errors import NotFound

BATCH = 2000
LOOKED_AT = 1000
"""Among how many that follow it an entry is looked for that has changed places."""
EVENT = "audit"
"""What lines of the log are called that bear an entry."""

_FROM = f"""
    SELECT {audit_chain.COLUMNS} FROM audit_log
    WHERE position > %(after)s AND (%(last)s::bigint IS NULL OR position <= %(last)s)
    ORDER BY position LIMIT {BATCH}
""".encode()
# Entries stand in the order in which they were chained, which is nearly that of their times: what is between the first
# and the last of a time is without gaps.
_OF_TIME = b"""
    SELECT min(position), max(position) FROM audit_log
    WHERE (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
"""
_PATIENT = b"SET LOCAL statement_timeout = '10min'"
_BEFORE = b"SELECT hash FROM audit_log WHERE position = %s"
_WAITING = b"""
    SELECT count(*) + (SELECT count(*) FROM audit_ended), min(at) FROM audit_log WHERE position IS NULL
"""


class Fault(StrEnum):
    """What is wrong with a chain."""

    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered"
    CUT = "cut"
    """It ends before where it is known to have reached."""
    ANEW = "anew"
    """It is whole, but not the one that is known from elsewhere."""


@dataclass(frozen=True)
class Broken:
    """Where a chain is broken first, and how."""

    position: int
    fault: Fault
    message: str


@dataclass
class Checked:
    """What a check found; it grows while the check goes on."""

    start: Head
    end: Head
    entries: int = 0
    broken: Broken | None = None
    seen: dict[int, bytes] = field(default_factory=dict)
    """Hashes at positions that were asked for."""


def read(db: Database, after: int = 0, last: int | None = None) -> Iterator[Link]:
    """Read the chain after a position, in order, a batch at a time. Raises Unavailable."""
    while True:
        with db.statement() as tx:
            rows = tx.execute(_FROM, {"after": after, "last": last}).fetchall()
        yield from map(audit_chain.link, rows)
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def of_time(db: Database, since: datetime | None, until: datetime | None) -> tuple[int, int] | None:
    """Give the first and the last position of a time; None where there is nothing of it. Raises Unavailable."""
    with db.transaction() as tx:
        tx.execute(_PATIENT)
        row = tx.execute(_OF_TIME, {"since": since, "until": until}).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])


def before(db: Database, position: int) -> Head:
    """Give where a check begins that begins at a position. Raises NotFound, Unavailable."""
    if position == 1:
        return Head(0, START)
    with db.statement() as tx:
        row = tx.execute(_BEFORE, (position - 1,)).fetchone()
    if row is None:
        raise NotFound(f"there is no entry {position - 1} that {position} could follow from; begin earlier")
    return Head(position - 1, row[0])


def waiting(db: Database) -> tuple[int, datetime | None]:
    """Say how many entries are not chained yet, and since when the first waits. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.execute(_WAITING).fetchone()
    return (0, None) if row is None else (row[0], row[1])


def exported(before: Head, links: Iterable[Link]) -> Iterator[dict[str, object]]:
    """Give the lines of an export, each with the hash before it, so that any part of it can be verified."""
    for one in links:
        yield {"previous": before.hash.hex(), **one.line}
        before = one.head


def lines(text: Iterable[str]) -> Iterator[tuple[bytes, Link]]:
    """Read an export, each entry with the hash before it. Raises ValueError naming the line that is none of one."""
    for number, line in enumerate(text, 1):
        # As a list it has an entry a line as well.
        bare = line.strip().removeprefix("[").rstrip(",]")
        if bare:
            try:
                found = json.loads(bare)
                yield bytes.fromhex(found.pop("previous")), Link.of_line(found)
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                raise ValueError(f"line {number} is no line of an export: {error!r}") from error


def logged(text: Iterable[str]) -> Iterator[Link]:
    """Find what a log was told of the chain; all other lines are passed over."""
    for line in text:
        said = _said(line)
        if said is not None:
            yield said


def gaps(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Give the first and the last of each row of positions that are missing between others."""
    known = sorted(set(positions))
    return [(before + 1, after - 1) for before, after in pairwise(known) if after - before > 1]


def _said(line: str) -> Link | None:
    # A collector may put something before what was logged.
    _, brace, rest = line.partition("{")
    try:
        found = json.loads(brace + rest)
        entry = found.get("entry") if found.get("event") == EVENT else None
        return Link.of_line(entry) if isinstance(entry, Mapping) else None
    except (ValueError, AttributeError):
        return None


def check(checked: Checked, links: Iterable[Link]) -> Iterator[Checked]:
    """Follow a chain from `checked.end` on, and yield after each entry that is right; ends at the first that is not."""
    following = iter(links)
    for link in following:
        wrong = _wrong(checked.end, link, following)
        if wrong is not None:
            checked.broken = wrong
            return
        checked.end = link.head
        checked.entries += 1
        if link.position in checked.seen:
            checked.seen[link.position] = link.hash
        yield checked


def reaches(checked: Checked, known: Head, where: str) -> Broken | None:
    """Compare a checked chain with what is known of it from elsewhere: `where` says from where.

    `known.position` has to be in `checked.seen` before the check. None: it agrees, or lies before where that began.
    """
    if known.position < checked.start.position:
        return None
    ours = checked.start.hash if known.position == checked.start.position else checked.seen[known.position]
    if known.position > checked.end.position:
        told = f"the chain ends at {checked.end.position}, but {where} has {known.position}: its end was cut off"
        return Broken(checked.end.position + 1, Fault.CUT, told)
    if ours != known.hash:
        told = f"{where} has another hash for {known.position}: the chain was made anew, there or before"
        return Broken(known.position, Fault.ANEW, told)
    return None


def _wrong(last: Head, link: Link, following: Iterator[Link]) -> Broken | None:
    expected = last.position + 1
    if link.position == expected and digest(last.hash, expected, link.entry) == link.hash:
        return None
    some = list(islice(following, LOOKED_AT))
    # Whatever fits here by its content and stands elsewhere has been moved, or something was put in before it.
    for other in chain([link], some):
        made = digest(last.hash, expected, other.entry)
        if other.position != expected and made in {other.hash, link.hash}:
            told = f"what belongs here stands at {other.position}: entries were moved, or one was put in"
            return Broken(expected, Fault.REORDERED, told)
    if link.position != expected:
        gone = link.position - expected
        return Broken(expected, Fault.MISSING, f"{gone} that stood before {link.position} are not there any more")
    told = (
        f"{link.entry.get('event')} of {link.entry.get('at')} does not have its hash: it was changed, or the hash was"
    )
    return Broken(expected, Fault.CHANGED, told)
