"""The end of an execution, with all that is left to write of it, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from psycopg.types.json import Jsonb

from domain import audit, outputs, storable, telemetry
from domain.blobs import BlobStore
from domain.db import Connection
from domain.execution_rows import COMPILE_OUTPUT, PHASES
from domain.fair import USUAL, User, Usual
from domain.inserting import KEPT, places
from domain.model import Claim, Outcome
from domain.results import ARTIFACT, RESULT, RUN, TOTALLED, Rows, totals

_GUARD = ("id", "attempt", "worker")
_ENDED = (
    *("verdict", "reason", "message", "host", "region", "versions", "language_metrics", "compile_cache"),
    *("execution_cache", "test_groups"),
    *COMPILE_OUTPUT,
    *PHASES,
)
_OF_EXECUTION = {"execution_id": "ended.id"}
_PARTS: tuple[tuple[str, Mapping[str, str], Sequence[str]], ...] = (
    ("test_results", {**_OF_EXECUTION, "submission_id": "ended.submission_id"}, RESULT),
    ("artifacts", _OF_EXECUTION, ARTIFACT),
    ("telemetry", _OF_EXECUTION, RUN),
    ("audit_log", {}, audit.ENTRY),
)
"""Tables, their columns that the execution gives, and those that come as values: as the fields of `Rows`."""
_TYPES = {
    **dict.fromkeys((*RESULT, *ARTIFACT, *RUN), "bigint"),
    "points": "double precision",
    **dict.fromkeys(("ordinal", "exit_code", "exit_signal", "slot"), "integer"),
    **dict.fromkeys(("verdict", "reason", "message", "judge_message", "usage_source", "path"), "text"),
    **dict.fromkeys(("kind", "mode", "event", "actor"), "text"),
    **dict.fromkeys(("stdout", "stdout_sha256", "stderr", "stderr_sha256", "sha256"), "bytea"),
    **dict.fromkeys(("interaction", "interaction_sha256"), "bytea"),
    **dict.fromkeys(("stdout_is_text", "stderr_is_text", "artifacts_cut", "cached", "truncated"), "boolean"),
    "interaction_is_text": "boolean",
    **dict.fromkeys((*telemetry.DETAILS, "details"), "jsonb"),
    **dict.fromkeys(("id", "submission_id", "execution_id"), "uuid"),
}
"""Of what is inserted only if the execution was ended: PostgreSQL does not look at the table's columns for these."""


def values(outcome: Outcome, blobs: BlobStore) -> dict[str, object]:
    """Give what an execution is set to in the end; a long output is in the blob store then. Raises OSError."""
    known = outcome.telemetry
    metrics, score = known.language_metrics, outcome.score
    return {
        "verdict": outcome.verdict,
        "reason": storable.text(outcome.reason) if outcome.reason is not None else None,
        "message": storable.text(outcome.message),
        "host": known.host,
        "region": known.region,
        "versions": Jsonb(storable.mapping(known.versions)),
        "language_metrics": Jsonb(storable.mapping(metrics)) if metrics is not None else None,
        "compile_cache": known.compile_cache,
        "execution_cache": known.execution_cache,
        "points": None if score is None or score.points is None else float(score.points),
        "test_groups": None if score is None else Jsonb([asdict(group) for group in score.by_group]),
        **dict(zip(COMPILE_OUTPUT, outputs.keep(outcome.compile_output, blobs), strict=True)),
        **{name: getattr(known.phases, name) for name in PHASES},
    }


@dataclass(frozen=True)
class End:
    """That an execution was ended."""

    waiting: User | None
    """Its user, where others of the same may wait for its place (`domain.fair`)."""
    announced: bool
    """Whether somebody wants to be told: a trigger has written to whom."""


def end(
    tx: Connection, claim: Claim, ended: Mapping[str, object], rows: Rows | None = None, *, usual: Usual = USUAL
) -> End | None:
    """End an execution that is still this claim's, and write results that were not written before.

    None: it is not, and nothing is written.
    """
    parts = (rows.results, rows.artifacts, rows.telemetry, rows.audit) if rows is not None else ()
    found = tx.run(
        _command(*map(len, parts)),
        [
            *(claim.execution_id, claim.attempt, claim.worker),
            *(ended[name] for name in _ENDED),
            ended["points"],
            usual.at_once,
            *(value for part in parts for row in part for value in row),
        ],
    )
    row = found.fetchone()
    if row is None:
        return None
    return End(User(claim.owner_id, row[0]) if row[0] is not None else None, bool(row[1]))


@lru_cache(KEPT)
def _command(*counts: int) -> bytes:
    new, inserts = [], []
    points = len(_GUARD) + len(_ENDED) + 1
    usual = points + 1
    place = usual + 1
    for (table, keys, columns), count in zip(_PARTS, counts, strict=False):
        if count:
            names = ", ".join(columns)
            new.append(f"new_{table} ({names}) AS (VALUES {places(place, count, columns, types=_TYPES)})")
            values_ = f"SELECT {''.join(f'{key}, ' for key in keys.values())}new.* FROM ended, new_{table} AS new"
            inserts.append(f"{table}_ AS (INSERT INTO {table} ({', '.join((*keys, *columns))}) {values_})")
        place += count * len(columns)
    # A statement does not see what it writes: totals are of what was written before, and of what is written now.
    unwritten = f"SELECT {', '.join(TOTALLED)} FROM new_test_results" if new and counts[0] else ""
    # A statement does not see what it writes: the place is not free yet.
    wanted = f"SELECT wants_place(ended.id, ${usual}::integer), announced FROM ended"
    return f"WITH {', '.join([*new, f'ended AS ({_update(unwritten, points)})', *inserts])} {wanted}".encode()


def _update(unwritten: str, points: int) -> str:
    assignments = ", ".join(f"{name} = ${number}" for number, name in enumerate(_ENDED, len(_GUARD) + 1))
    return f"""
        UPDATE executions AS e
        SET state = 'done', lease_until = NULL, finished_at = now(), {assignments},
            {totals(unwritten, f"${points}::double precision")}
        WHERE id = $1 AND attempt = $2 AND worker = $3 AND lease_until IS NOT NULL
        RETURNING id, submission_id, announced
    """
