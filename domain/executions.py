"""Executions: every change of state, each one short transaction; none is open while a jail runs.

What an answer or another worker's work rests on (a submission, its results, its end) is on disk before it is told. A
claim, a state on the way and a renewal need not be: where PostgreSQL crashes and forgets one, the execution is queued,
or its lease is over, and its worker finds its claim lost.

A claim is the right to write. It is lost when its lease has ended and another worker, or the sweeper, took the
execution, or it was cancelled: then every write with it does nothing and says False, and its holder stops. Leases are
compared by PostgreSQL's clock alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from domain import ending, posed, results, stored, story
from domain.blobs import BlobStore
from domain.db import Connection, Database
from domain.ending import End
from domain.errors import Unavailable
from domain.fair import USUAL, User, Usual
from domain.model import Cache, Claim, Outcome, Priority, Submission, TestResult
from domain.sweep import sweep as sweep  # noqa: PLC0414 - a change of state like the others, in a file of its own
from domain.verdict import State

_HELD = "id = %(id)s AND attempt = %(attempt)s AND worker = %(worker)s AND lease_until IS NOT NULL"
"""The guard of every write of a worker: an execution has a lease while it is being graded, and only then."""

_AT_WORK = {State.PREPARING, State.COMPILING, State.RUNNING}

_NOT_AWAITED = "set_config('synchronous_commit', 'off', true)"
"""In RETURNING: this transaction is not waited for to be on disk. What is committed later takes it along."""


def _seeds(execution: str) -> str:
    """Give the seeds of the run that is done again, by test case; null where there are none to be used again."""
    return f"""
        CASE WHEN {execution}.regrade_id IS NOT NULL THEN (
            SELECT jsonb_object_agg(t.ordinal, t.hash_seed)
            FROM regrade_items AS i JOIN regrades AS g ON g.id = i.regrade_id AND g.options ->> 'seed' = 'recorded'
                JOIN telemetry AS t ON t.execution_id = i.old_execution_id AND t.kind = 'test'
            WHERE i.new_execution_id = {execution}.id AND t.hash_seed IS NOT NULL
        ) END
    """


_CLAIM = f"""
    WITH taken AS (
        UPDATE executions
        SET state = 'preparing', attempt = attempt + 1, worker = $2, started_at = now(),
            lease_until = now() + make_interval(secs => $3),
            story = CASE WHEN lease_until IS NULL THEN story ELSE story || {story.ENTRY} END
        WHERE id = $1 AND (
            state = 'queued' AND sent_at < 'infinity'
            OR lease_until < now() AND attempt - given_back < coalesce($4::integer, attempt + 1)
        )
        RETURNING id, submission_id, attempt, queued_at, number, problem_version_id, regrade_id
    ), results AS (
        DELETE FROM test_results AS r USING taken WHERE taken.attempt > 1 AND r.execution_id = $1
    ), runs AS (
        DELETE FROM telemetry AS t USING taken WHERE taken.attempt > 1 AND t.execution_id = $1
    )
    SELECT s.id, attempt, queued_at, s.owner_id, taken.number, problem_version_id, taken.regrade_id, {_seeds("taken")},
        {_NOT_AWAITED}, {stored.WHOLE}
    FROM taken JOIN submissions AS s ON s.id = taken.submission_id, {stored.PARTS}
""".encode()

_LOOK = f"""
    SELECT s.id, e.worker, e.queued_at, s.owner_id, e.number, e.problem_version_id, e.regrade_id, {_seeds("e")},
        {stored.WHOLE}
    FROM executions AS e JOIN submissions AS s ON s.id = e.submission_id, {stored.PARTS}
    WHERE e.id = $1 AND e.attempt = $2 AND e.lease_until > now()
""".encode()

_ANY_QUEUED = b"SELECT EXISTS (SELECT FROM executions WHERE state = 'queued')"

# Attempts only grow, so that no later claim can be mistaken for this one; `given_back` makes it not count.
_GIVE_BACK = f"""
    UPDATE executions
    SET state = 'queued', given_back = given_back + 1, worker = NULL, lease_until = NULL, sent_at = 'epoch', sent = 1
    WHERE {_HELD}
"""
# `sent` grows, so that what no host can run now is looked at ever more seldom.
_PASS_ON = f"""
    UPDATE executions
    SET state = 'queued', given_back = given_back + 1, worker = NULL, lease_until = NULL,
        sent_at = now(), sent = sent + 1, queue = coalesce(%(queue)s, queue)
    WHERE {_HELD}
"""
_GIVE_BACK_LATER = f"""
    UPDATE executions
    SET state = 'queued', given_back = given_back + 1, worker = NULL, lease_until = NULL, sent_at = now()
    WHERE {_HELD}
"""


def _leave_to_sweeper(user: User) -> None:
    """Leave what waits for a place to the sweeper."""


def claim(
    db: Database, blobs: BlobStore, execution_id: UUID, *, worker: str, lease_s: int, max_attempts: int | None = None
) -> Claim | None:
    """Take an execution that is queued, or whose lease has ended; None where it is not to be had.

    One whose lease has ended is left to the sweeper where `max_attempts` are used up. What an earlier attempt recorded
    is removed. Raises Unavailable, after the claim too, which then is given back; BlobMissing or BlobDamaged after it.
    """
    with db.statement() as tx:
        row = tx.run(_CLAIM, [execution_id, worker, lease_s, max_attempts]).fetchone()
    if row is None:
        return None
    submission_id, attempt, queued_at, owner_id, number, version_id, regrade_id, seeds, _, *whole = row
    try:
        submission = _whole(db, blobs, whole, version_id)
    except Unavailable:
        # Nothing of it was begun; who claims it when the blobs can be read again is to have all its attempts.
        with db.statement() as tx:
            tx.execute(_GIVE_BACK, {"id": execution_id, "attempt": attempt, "worker": worker})
        raise
    claimed = Claim(execution_id, submission_id, attempt, worker, queued_at, submission, owner_id, number)
    return _anew(claimed, regrade_id, seeds)


def look(db: Database, blobs: BlobStore, execution_id: UUID, attempt: int) -> Claim | None:
    """See an execution as who grades it does; None where this attempt is over. Not a right to write: that is theirs.

    Raises Unavailable, BlobMissing, BlobDamaged.
    """
    with db.statement() as tx:
        row = tx.run(_LOOK, [execution_id, attempt]).fetchone()
    if row is None:
        return None
    submission_id, worker, queued_at, owner_id, number, version_id, regrade_id, seeds, *whole = row
    submission = _whole(db, blobs, whole, version_id)
    claimed = Claim(execution_id, submission_id, attempt, worker, queued_at, submission, owner_id, number)
    return _anew(claimed, regrade_id, seeds)


def _anew(claim: Claim, regrade_id: UUID | None, seeds: Mapping[str, int] | None) -> Claim:
    if regrade_id is None:
        return claim
    # What was kept of an earlier compile or run would be compared with itself.
    asked = replace(claim.submission, cache=Cache.NONE, priority=Priority.BULK)
    known = {int(ordinal): seed for ordinal, seed in (seeds or {}).items()}
    return replace(claim, submission=asked, regrade_id=regrade_id, seeds=known)


def _whole(db: Database, blobs: BlobStore, row: Sequence[object], version_id: UUID | None) -> Submission:
    """Read a submission; what a stored problem says in its place is put in, its data still to be loaded."""
    submission = stored.read(row, blobs)
    return submission if version_id is None else posed.read(db, blobs, version_id).applied(submission)


def any_queued(db: Database) -> bool:
    """Whether any execution waits for a worker. Raises Unavailable."""
    with db.statement() as tx:
        row = tx.run(_ANY_QUEUED, []).fetchone()
    return row is not None and bool(row[0])


def renew(db: Database, claim: Claim, lease_s: int) -> bool:
    """Hold a claim for `lease_s` seconds from now; False: it is lost, stop. Raises Unavailable."""
    return _change(db, claim, "lease_until = now() + make_interval(secs => %(lease_s)s)", lease_s=lease_s)


def enter(db: Database, claim: Claim, state: State) -> bool:
    """Say that an execution is preparing, compiling or running; False: the claim is lost, stop. Raises Unavailable."""
    if state not in _AT_WORK:
        raise ValueError(f"a worker cannot enter {state}; use finish or give_back")
    return _change(db, claim, "state = %(state)s", state=state)


def record(db: Database, blobs: BlobStore, claim: Claim, found: Sequence[TestResult]) -> bool:
    """Keep results, in place of earlier ones of the same test cases; False: the claim is lost, stop.

    Raises Unavailable, and OSError where the blob store is full.
    """
    rows = results.prepare(claim, found, blobs)
    with db.transaction(pipelined=True) as tx:
        # The lock keeps the execution ours until the commit; results of several slots may be written at a time.
        held = results.hold(tx, _HELD, _token(claim), rows.ordinals, lock="FOR SHARE")
        if held:
            results.insert(tx, claim, rows)
    return held


def _nobody() -> None:
    """Nobody to be told."""


def finish(
    db: Database,
    blobs: BlobStore,
    claim: Claim,
    outcome: Outcome,
    *,
    usual: Usual = USUAL,
    freed: Callable[[User], None] = _leave_to_sweeper,
    announced: Callable[[], None] = _nobody,
) -> bool:
    """End an execution with its verdict, its last results, its totals and its telemetry, all in one transaction.

    The results are of test cases that none was recorded of before. False: the claim is lost, nothing is written. To
    call it again is harmless, and True. After the commit `freed` is called where others of its user may wait for its
    place, and `announced` where somebody wants to be told of the end. Raises Unavailable, and OSError where the blob
    store is full.
    """
    ended = ending.values(outcome, blobs)
    rows = results.prepare(claim, outcome.results, blobs, outcome.telemetry)
    found = (_finish_long if rows.many else _finish_short)(db, claim, ended, rows, usual)
    if found is not None and found.waiting is not None:
        freed(found.waiting)
    if found is not None and found.announced:
        announced()
    return found is not None


def _finish_short(
    db: Database, claim: Claim, ended: Mapping[str, object], rows: results.Rows, usual: Usual
) -> End | None:
    with db.statement() as tx:
        return ending.end(tx, claim, ended, rows, usual=usual) or _finished_with(tx, claim)


def _finish_long(
    db: Database, claim: Claim, ended: Mapping[str, object], rows: results.Rows, usual: Usual
) -> End | None:
    with db.transaction(pipelined=True) as tx:
        if not results.hold(tx, _HELD, _token(claim), rows.ordinals, lock="FOR NO KEY UPDATE"):
            return _finished_with(tx, claim)
        results.insert(tx, claim, rows)
        return ending.end(tx, claim, ended, usual=usual)


def give_back(db: Database, claim: Claim, *, later: bool = False) -> bool:
    """Queue an execution again at once, the attempt not counted; False: the claim was lost. Raises Unavailable.

    The next sweep sends it to the queue; whoever gives it back may do so at once. `later`: it is sent as if its message
    was lost, ever more rarely, unless somebody sends it before.
    """
    with db.statement() as tx:
        return tx.execute(_GIVE_BACK_LATER if later else _GIVE_BACK, _token(claim)).rowcount == 1


def pass_on(db: Database, claim: Claim, queue: str | None) -> bool:
    """Queue an execution again that this host cannot run, the attempt not counted; False: the claim was lost.

    Whoever does so sends it to `queue`; without one the sweeper sends it some time. Raises Unavailable.
    """
    with db.statement() as tx:
        return tx.execute(_PASS_ON, {**_token(claim), "queue": queue}).rowcount == 1


def _token(claim: Claim) -> dict[str, object]:
    return {"id": claim.execution_id, "attempt": claim.attempt, "worker": claim.worker}


def _change(db: Database, claim: Claim, assignment: str, **values: object) -> bool:
    with db.statement() as tx:
        command = f"UPDATE executions SET {assignment} WHERE {_HELD} RETURNING {_NOT_AWAITED}"
        return tx.execute(command.encode(), _token(claim) | values).rowcount == 1


def _finished_with(tx: Connection, claim: Claim) -> End | None:
    """Look whether it was ended with this claim before; what waits for its place is left to the sweeper then."""
    command = "SELECT FROM executions WHERE id = %(id)s AND attempt = %(attempt)s AND worker = %(worker)s"
    found = tx.execute(f"{command} AND state = 'done'", _token(claim)).fetchone()
    return End(None, announced=False) if found is not None else None
