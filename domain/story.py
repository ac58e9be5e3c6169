"""The story of an execution: an entry for every attempt whose worker was lost.

Written by whoever finds its lease over, the sweeper or who claims it next. Operators read all of it; whoever sent the
submission is told in a sentence, without the names of hosts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

ATTEMPTS = "attempts"
"""The reason of what lost as many workers as it may."""

ENTRY = (
    "jsonb_build_object('attempt', attempt, 'worker', worker, 'state', state,"
    " 'started_at', coalesce(started_at, queued_at), 'lost_at', now())"
)
"""The entry of the attempt that a row of executions is at."""


@dataclass(frozen=True)
class Lost:
    """One attempt whose worker was lost."""

    attempt: int
    worker: str
    """Where: host and process."""
    state: str
    """How far it was."""
    started_at: datetime
    lost_at: datetime
    """When its lease was found to be over."""


def told(story: str) -> str:
    """Give the SQL that tells a story, an expression, in a sentence."""
    each = "(entry ->> 'state') || ' at ' || to_char((entry ->> 'lost_at')::timestamptz, 'HH24:MI:SS')"
    return f"""
        (SELECT 'the worker was lost ' || count(*) || ' times while grading this ('
            || string_agg({each}, ', ' ORDER BY (entry ->> 'attempt')::integer)
            || ' UTC); it is not graded again by itself'
        FROM jsonb_array_elements({story}) AS entry)
    """


def read(story: Sequence[dict[str, object]]) -> tuple[Lost, ...]:
    """Read a story as PostgreSQL gives it; what a newer release adds to an entry is left out."""
    return tuple(
        Lost(
            attempt=int(str(entry["attempt"])),
            worker=str(entry["worker"]),
            state=str(entry["state"]),
            started_at=datetime.fromisoformat(str(entry["started_at"])),
            lost_at=datetime.fromisoformat(str(entry["lost_at"])),
        )
        for entry in story
    )
