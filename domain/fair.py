"""Fair share: of one user's executions a few stand in the message queue or are at work, the others wait for a place.

Workers take messages first come, first served. So whoever sends ten thousand submissions has no more of them in the
queue than whoever sends ten, and several users with more than their places take turns, one after the other, without
anybody keeping a list of them. An execution that waits for a place is `queued` like any other, in PostgreSQL, without a
message. Places are taken when a submission is kept, are free when an execution ends however it ends (a trigger of the
database), and are then given to the user's next, the most urgent and oldest first: by the worker that ended one, and by
the sweeper where nobody did. The rules are functions of the database (migration 0008), for they must hold for all
processes at once, and cost no round trip of their own while nothing waits.

One user: an API key, or of a service's key everybody whom it names by `user_id`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from domain.db import Database
from domain.errors import LimitReached
from domain.model import Priority

URGENCY = {priority: number for number, priority in enumerate(Priority)}
"""The most urgent has the least number."""
_SPENT = "SD001"
"""What `take_place` raises where the user's day is over."""

_TAKE = "SELECT take_place($1, $2::text, $3::smallint, $4::integer, $5)"
_SEND = "SELECT id, urgency FROM send_waiting($1, $2::text, $3::integer, $4, true)"
# From one user to the next by the index, however many executions wait.
_SEND_ALL = """
    WITH RECURSIVE users AS (
        (SELECT owner_id, user_id FROM places WHERE NOT sent ORDER BY owner_id, user_id LIMIT 1)
        UNION ALL
        SELECT next.owner_id, next.user_id FROM users AS u, LATERAL (
            SELECT owner_id, user_id FROM places
            WHERE NOT sent AND (owner_id, user_id) > (u.owner_id, u.user_id) ORDER BY owner_id, user_id LIMIT 1
        ) AS next
    )
    SELECT sent.id, sent.urgency
    FROM users AS u, LATERAL send_waiting(u.owner_id, u.user_id, $1::integer, $2, false) AS sent
"""


@dataclass(frozen=True)
class User:
    """Whose limits count. `name` is empty but for those whom a service names."""

    owner_id: UUID
    name: str = ""


@dataclass(frozen=True)
class Usual:
    """What holds for keys that say nothing else (`domain.key_limits`)."""

    at_once: int | None = None
    """Places of one user; None: two more than the live hosts have slots."""
    cpu_s_per_day: int = 0
    """CPU seconds of one user on one day (UTC); 0: as many as they like."""

    @property
    def values(self) -> tuple[int | None, int]:
        """Give both as the database's functions take them."""
        return self.at_once, self.cpu_s_per_day


USUAL = Usual()


def send_waiting(db: Database, user: User, usual: Usual) -> list[tuple[UUID, Priority]]:
    """Give this user's free places to those who wait, and list what must be sent to the queue. Raises Unavailable."""
    with db.statement() as tx:
        return _to_send(tx.run(_SEND.encode(), [user.owner_id, user.name, *usual.values]).fetchall())


def refuse_spent(db: Database, user: User, usual: Usual) -> None:
    """Raise LimitReached where a user's day is over, Unavailable."""
    with told(), db.statement() as tx:
        # What is least urgent takes nobody's place, so nothing is changed by asking.
        tx.run(_TAKE.encode(), [user.owner_id, user.name, URGENCY[Priority.BULK], *usual.values])


def send_all_waiting(db: Database, usual: Usual) -> list[tuple[UUID, Priority]]:
    """Do so for every user of whom something waits, unless somebody is at it. Raises Unavailable."""
    with db.statement() as tx:
        return _to_send(tx.run(_SEND_ALL.encode(), usual.values).fetchall())


def _to_send(rows: list[TupleRow]) -> list[tuple[UUID, Priority]]:
    # Who has more than their places is no more urgent than others, whatever they say: a later queue waits while an
    # earlier one holds anything, and theirs would hold something for as long as they like.
    return [(row[0], Priority.BULK if row[1] == URGENCY[Priority.BULK] else Priority.NORMAL) for row in rows]


@contextmanager
def told() -> Iterator[None]:
    """Tell of a user whose day is over. Raises LimitReached."""
    try:
        yield
    except psycopg.DatabaseError as error:
        if error.sqlstate != _SPENT:
            raise
        budget_s, left_s = (error.diag.message_detail or "0 1").split()
        message = (
            f"the {budget_s} CPU seconds of this day are spent; they are counted anew at midnight UTC, in {left_s} s:"
            " send it then, or ask an operator for more (`shipd keys limit --cpu-s-per-day`)"
        )
        raise LimitReached("cpu_budget", message, retry_after_s=int(left_s)) from error
