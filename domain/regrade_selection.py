"""Which submissions are graded again: those that are all of what is asked for, and whose current execution is done.

What had its input typed is left out: nobody types it again. So is what is in quarantine, because it killed its workers
until its attempts were used up: it is taken only where the selection names it by id, or once it was released.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import regrade_version
from domain.listing import BY_EXECUTION
from domain.story import ATTEMPTS
from domain.verdict import Verdict


@dataclass(frozen=True)
class Selection:
    """What is selected; None and an empty tuple say nothing."""

    problem_id: str | None = None
    problem_version: int | None = None
    """Which the current execution used."""
    language: str | None = None
    """A name, which takes in all its versions, or a name with a version."""
    verdicts: tuple[Verdict, ...] = ()
    """Of the current execution, as `reason` is."""
    reason: str | None = None
    user_id: str | None = None
    owner_id: UUID | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    """The first moment that is too late."""
    ids: tuple[UUID, ...] = ()
    """Of submissions."""

    @property
    def empty(self) -> bool:
        """Whether nothing is said: all there is would be selected."""
        return not any(getattr(self, field.name) for field in fields(self))

    def stored(self) -> Mapping[str, object]:
        """Give what is said as JSON; `read` reads it back."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _plain(value) for name, value in said.items() if value not in {None, ()}}

    @classmethod
    def read(cls, stored: Mapping[str, object]) -> "Selection":
        """Read it back. A release that selects by more says more: what this one does not know is left out."""
        return cls(**{name: _READ[name](value) for name, value in stored.items() if name in _READ})  # type: ignore[arg-type] # by the table


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [str(member) for member in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


_READ: Mapping[str, Callable[[Any], object]] = {
    "problem_id": str,
    "problem_version": int,
    "language": str,
    "verdicts": lambda names: tuple(map(Verdict, names)),
    "reason": str,
    "user_id": str,
    "owner_id": UUID,
    "created_from": datetime.fromisoformat,
    "created_to": datetime.fromisoformat,
    "ids": lambda ids: tuple(map(UUID, ids)),
}
_CONDITIONS = {
    "problem_id": "s.problem_id = %(problem_id)s",
    "problem_version": regrade_version.USED,
    "language_name": "split_part(s.language, '@', 1) = %(language_name)s",
    "language": "s.language = %(language)s",
    "verdicts": "e.verdict = ANY(%(verdicts)s)",
    "reason": "e.reason = %(reason)s",
    "user_id": "s.user_id = %(user_id)s",
    "owner_id": "s.owner_id = %(owner_id)s",
    "created_from": "s.created_at >= %(created_from)s",
    "created_to": "s.created_at < %(created_to)s",
    "ids": "s.id = ANY(%(ids)s)",
}
_CALM = f"""
    NOT EXISTS (
        SELECT FROM execution_numbers AS numbered JOIN executions AS poison ON poison.id = numbered.execution_id
        WHERE numbered.submission_id = s.id AND poison.verdict = 'JE' AND poison.reason = '{ATTEMPTS}'
            AND poison.released_at IS NULL
    )
"""


def query(selection: Selection) -> tuple[str, Mapping[str, object]]:
    """Put together what stands behind FROM, for submissions `s` and their current executions `e`, and its values."""
    values = _values(selection)
    chosen = [condition for name, condition in _CONDITIONS.items() if values[name] is not None]
    calm = [] if selection.ids else [_CALM]
    where = " AND ".join(["e.state = 'done'", "NOT s.interactive", *calm, *chosen])
    return f"submissions AS s {BY_EXECUTION} WHERE {where}", values


def _values(selection: Selection) -> Mapping[str, object]:
    name, _, version = (selection.language or "").partition("@")
    return {
        **{field.name: getattr(selection, field.name) for field in fields(selection)},
        "language_name": None if selection.language is None else name,
        "language": selection.language if version else None,
        "verdicts": [verdict.value for verdict in selection.verdicts] or None,
        "ids": list(selection.ids) or None,
    }
