"""The ends of executions as entries of the audit log.

A trigger leaves the id of what has ended, in the transaction that ended it; that is all it costs there. The entry is
made later of the rows, which do not change any more.
"""

from domain.db import Connection

EVENT = "execution_ended"
BATCH = 500
"""How many are taken at once: of each all sources are hashed."""

# `sources_sha256` is the hash of what `sha256sum` prints of the source files in their order, so that anybody who has
# them can compare. The entry has the id of its execution: there is one, whatever happens. What was deleted meanwhile
# has an entry that says no more than that.
_TAKE = f"""
    WITH taken AS (
        DELETE FROM audit_ended WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM audit_ended LIMIT {BATCH} FOR UPDATE SKIP LOCKED
        )) RETURNING execution_id, submission_id
    ), made AS (
        INSERT INTO audit_log (id, at, event, actor, submission_id, execution_id, details, origin)
        SELECT taken.execution_id, coalesce(e.finished_at, now()), '{EVENT}',
            coalesce('owner ' || s.owner_id, 'unknown'), taken.submission_id, taken.execution_id,
            CASE WHEN e.id IS NULL THEN '{{"deleted": true}}' ELSE jsonb_build_object(
                'number', e.number, 'candidate', e.candidate, 'state', e.state, 'verdict', e.verdict,
                'reason', e.reason, 'points', e.points, 'attempt', e.attempt, 'host', e.host, 'worker', e.worker,
                'queued_at', to_char(e.queued_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'cpu_time_ms', e.cpu_time_ms, 'wall_time_ms', e.wall_time_ms, 'memory_bytes', e.memory_bytes,
                'language', s.language, 'user_id', s.user_id, 'problem_id', s.problem_id,
                'problem_version_id', e.problem_version_id, 'body_sha256', encode(s.body_sha256, 'hex'),
                'sources_sha256', (
                    SELECT encode(sha256(convert_to(string_agg(
                        encode(coalesce(f.content_sha256, sha256(f.content)), 'hex') || '  ' || f.path || chr(10),
                        '' ORDER BY f.position
                    ), 'UTF8')), 'hex')
                    FROM source_files AS f WHERE f.submission_id = s.id
                )
            ) END,
            s.origin
        FROM taken LEFT JOIN executions AS e ON e.id = taken.execution_id
            LEFT JOIN submissions AS s ON s.id = taken.submission_id
        ON CONFLICT (id) DO NOTHING
    )
    SELECT count(*) FROM taken
""".encode()


def take(tx: Connection) -> int:
    """Make entries of some executions that have ended, and say of how many."""
    row = tx.execute(_TAKE).fetchone()
    return 0 if row is None else int(row[0])
