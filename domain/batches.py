"""Batches: up to a thousand submissions that are kept at once, and known together.

An item is answered as a request of its own would be: kept (201), there already (200), or refused (409, 422, 429). What
is kept is a submission like any other; the batch remembers which they are. Reading: `domain/batch_reading.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from domain import batch_rows, fair, idempotency, submissions
from domain.batch_rows import ItemRow, New
from domain.blobs import BlobStore
from domain.db import Connection, Database
from domain.errors import Conflict, InvalidRequest, LimitReached, Problem, ShipdError, Unavailable
from domain.fair import USUAL, User, Usual
from domain.hosts import Remembered
from domain.ids import new_id
from domain.model import Priority, Submission
from domain.posed import Finder
from domain.room import Need
from domain.submissions import Sent
from domain.vault import Vault

MAX_ITEMS = 1000
KEPT, THERE = 201, 200
STATUSES: Mapping[type[ShipdError], int] = {Conflict: 409, InvalidRequest: 422, LimitReached: 429}
"""What an item is answered that is refused for this."""

Refused = Mapping[int, ShipdError]
"""Why items are refused, by their positions."""
Enqueue = Callable[[Sequence[tuple[UUID, Priority]]], object]
Route = Callable[[Submission], str]
"""Names the queue of a submission."""
Admit = Callable[[User, int, bool], tuple[int, LimitReached | None]]
"""Counts so many new submissions of a user, or the first `some` of them; says how many, and why not all.

Raises LimitReached where none are counted.
"""


@dataclass(frozen=True)
class Item:
    """A valid item: its place in the request, from 0, and what a request of its own would have had."""

    position: int
    submission: Submission
    sent: Sent
    user: User
    """Whose limits count."""


@dataclass(frozen=True)
class Made:
    """The batch of a request, and why items of it are refused. `replayed` marks one that was there before."""

    id: UUID
    refused: Refused = field(default_factory=dict)
    replayed: bool = False


def create(
    db: Database,
    blobs: BlobStore,
    items: Sequence[Item],
    refused: Refused,
    *,
    sent: Sent,
    atomic: bool,
    enqueue: Enqueue,
    known: Remembered,
    admit: Admit,
    vault: Vault,
    usual: Usual = USUAL,
    route: Route = submissions.by_priority,
) -> Made:
    """Keep what is not `refused`, and send what its users have places for to the queue once all of it is committed.

    With `atomic` nothing is kept where anything is refused: that raises InvalidRequest with every problem. Raises it
    for a key that was used with another body too; LimitReached where that is ours, or with `atomic`; Unavailable, and
    OSError where the blob store is full.
    """
    before = _before(db, sent)
    if before is not None:
        return before
    fates = _Fates(items, refused, atomic=atomic)
    fates.refuse(_same_ids(items))
    _look_up(db, fates)
    fates.find_problems(Finder(db, blobs))
    fates.refuse(_what_nobody_can_hold(known, fates.left.values()))
    fates.settle()
    fates.refuse(_beyond_limits(db, fates.left.values(), admit, usual, atomic=atomic))
    fates.settle()
    batch_id = new_id()
    new = {
        position: batch_rows.prepare(item.submission, item.sent, item.user, blobs, vault, queue=route(item.submission))
        for position, item in fates.left.items()
    }
    with submissions.storable(), db.transaction(pipelined=True) as tx:
        ours = batch_rows.begin(tx, batch_id, sent)
        kept = _write(tx, batch_id, fates, new) if ours else []
    if not ours:
        return _quicker(db, sent)
    users = dict.fromkeys(one.user for one in kept)
    enqueue([sent_now for user in users for sent_now in fair.send_waiting(db, user, usual)])
    return Made(batch_id, fates.refused)


class _Fates:
    """What is to become of the items, by their positions: refused, `there` already, or `left` to be written."""

    def __init__(self, items: Iterable[Item], refused: Refused, *, atomic: bool) -> None:
        self.refused: dict[int, ShipdError] = dict(refused)
        self.there: dict[int, UUID] = {}
        self.left = {item.position: item for item in items}
        self._atomic = atomic

    def refuse(self, found: Refused) -> None:
        for position, error in found.items():
            del self.left[position]
            self.refused[position] = error

    def look_up(self, tx: Connection, items: Iterable[Item]) -> None:
        """Take out of `left` what is there already: sent before with the same body, or refused."""
        chosen = {item.sent.id: item for item in items if item.sent.id is not None}
        for own_id, of in batch_rows.known(tx, chosen).items():
            item = chosen[own_id]
            if of == (item.sent.owner_id, item.sent.body_sha256):
                self.there[self.left.pop(item.position).position] = own_id
            else:
                self.refuse({item.position: submissions.conflict(own_id)})

    def find_problems(self, finder: Finder) -> None:
        """Put into items what the problems say that they name, and refuse those whose problem is not for them."""
        for position, item in list(self.left.items()):
            try:
                self.left[position] = replace(item, submission=finder.resolve(item.submission))
            except InvalidRequest as error:
                self.refuse({position: error})

    def settle(self) -> None:
        """Raise InvalidRequest with everything that is wrong, where that refuses the whole."""
        if self._atomic and self.refused:
            problems = (problem for position in sorted(self.refused) for problem in self._problems(position))
            raise InvalidRequest(*problems)

    def _problems(self, position: int) -> Iterator[Problem]:
        error, item = self.refused[position], f"submissions[{position}]"
        if not isinstance(error, InvalidRequest):
            yield Problem(f"{item}.id" if isinstance(error, Conflict) else item, str(error))
            return
        for problem in error.problems:
            yield replace(problem, field=f"{item}.{problem.field}" if problem.field else item)


def _look_up(db: Database, fates: _Fates) -> None:
    chosen = [item for item in fates.left.values() if item.sent.id is not None]
    if chosen:
        with db.statement() as tx:
            fates.look_up(tx, chosen)


def _write(tx: Connection, batch_id: UUID, fates: _Fates, new: Mapping[int, New]) -> list[New]:
    kept = batch_rows.insert(tx, list(new.values()))
    written = {one.id for one in kept}
    late = [fates.left[position] for position, one in new.items() if one.id not in written]
    if late:
        # Other requests used their ids since they were looked for; one that is gone again is refused all the same.
        fates.look_up(tx, late)
        gone = [item for item in late if item.position in fates.left]
        fates.refuse({item.position: submissions.conflict(item.sent.id or batch_id) for item in gone})
        fates.settle()
    rows = [
        *(ItemRow(position, KEPT, new[position].id) for position in fates.left),
        *(ItemRow(position, THERE, own_id) for position, own_id in fates.there.items()),
        *(ItemRow(position, STATUSES[type(error)]) for position, error in fates.refused.items()),
    ]
    batch_rows.items(tx, batch_id, rows)
    return kept


def _same_ids(items: Iterable[Item]) -> dict[int, ShipdError]:
    """Refuse the later ones of items with the same id."""
    first: dict[UUID, int] = {}
    refused: dict[int, ShipdError] = {}
    for item in items:
        own_id = item.sent.id
        if own_id is not None and first.setdefault(own_id, item.position) != item.position:
            message = f"is the id of item {first[own_id]} of this batch, too"
            refused[item.position] = InvalidRequest(Problem("id", message, "give every item an id of its own, or none"))
    return refused


def _what_nobody_can_hold(known: Remembered, items: Iterable[Item]) -> dict[int, ShipdError]:
    """Refuse what no host ever reported room for; hosts are asked once for all items that need the same."""
    by_need: dict[tuple[Need, str | None], InvalidRequest | None] = {}
    refused: dict[int, ShipdError] = {}
    for item in items:
        need = Need.of(item.submission.language, item.submission.constraints), item.submission.region
        if need not in by_need:
            by_need[need] = _refusal(known, item.submission)
        if (error := by_need[need]) is not None:
            refused[item.position] = error
    return refused


def _beyond_limits(
    db: Database, items: Iterable[Item], admit: Admit, usual: Usual, *, atomic: bool
) -> dict[int, ShipdError]:
    """Refuse the last of each user's items, where that user may not send so many. Raises LimitReached that is ours."""
    by_user: dict[User, list[int]] = {}
    for item in items:
        by_user.setdefault(item.user, []).append(item.position)
    refused: dict[int, ShipdError] = {}
    for user, positions in by_user.items():
        admitted, error = _admitted(db, user, len(positions), admit, usual, atomic=atomic)
        if error is not None:
            refused.update(dict.fromkeys(positions[admitted:], error))
    return refused


def _admitted(
    db: Database, user: User, count: int, admit: Admit, usual: Usual, *, atomic: bool
) -> tuple[int, LimitReached | None]:
    """Say how many of a user's items may be kept, and why not the others."""
    try:
        fair.refuse_spent(db, user, usual)
        return admit(user, count, not atomic)
    except LimitReached as error:
        if error.ours or atomic:
            raise
        return 0, error


def _refusal(known: Remembered, submission: Submission) -> InvalidRequest | None:
    try:
        submissions.refuse_what_nobody_can_hold(known, submission)
    except InvalidRequest as error:
        return error
    return None


def _before(db: Database, sent: Sent) -> Made | None:
    """Give the batch that the same key made before. Raises InvalidRequest for another body."""
    if sent.key is None:
        return None
    with db.statement() as tx:
        row = tx.execute(
            "SELECT id, body_sha256 FROM batches WHERE owner_id = %s AND idempotency_key = %s",
            (sent.owner_id, sent.key),
        ).fetchone()
    if row is None:
        return None
    if row[1] != sent.body_sha256:
        raise idempotency.another_body()
    return Made(row[0], replayed=True)


def _quicker(db: Database, sent: Sent) -> Made:
    """Give what another request with the same key wrote meanwhile."""
    before = _before(db, sent)
    if before is None:
        raise Unavailable("the batch of this key was deleted while it was asked for; try again")
    return before
