"""What stands behind the `?` of a URL."""

import re

from marshmallow import ValidationError

from app.schemas.complaints import Complaint, shown
from app.schemas.listing import place
from app.schemas.parts import Part, Value
from domain import live
from domain.errors import InvalidRequest, Problem
from domain.listing import Place

MAX_WAIT_S = 60
MAX_PAGE = 100
_EVENT_ID_HINT = "send an `id` as it came, or leave it out to begin anew"
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)


class Seconds(Value[float]):
    """How long to hold the answer, in seconds."""

    def __init__(self) -> None:
        description = "Hold the answer until the execution is done, at most this many seconds."
        super().__init__({"type": "number", "minimum": 0, "maximum": MAX_WAIT_S}, description=description, default=0.0)

    def read(self, value: object) -> float:
        """Check the bounds."""
        hint = f"use seconds from 0 to {MAX_WAIT_S}"
        if not isinstance(value, str) or not _SECONDS.fullmatch(value):
            raise ValidationError(Complaint(f"{shown(value)} is not a number of seconds", hint))
        if float(value) > MAX_WAIT_S:
            raise ValidationError(Complaint(f"{value} is above the ceiling of {MAX_WAIT_S}", hint))
        return float(value)


class EventId(Value[str]):
    """An event that was heard."""

    def __init__(self) -> None:
        description = "Go on after this event; for those who cannot send the header Last-Event-ID."
        super().__init__({"type": "string", "pattern": "^[0-9]{1,19}-[0-9]{1,19}$"}, description=description)

    def read(self, value: object) -> str:
        """Check that it is one."""
        if isinstance(value, str) and live.place(value) is not None:
            return value
        raise ValidationError(Complaint(f"{shown(value)} is not the id of an event", _EVENT_ID_HINT))


def event_id(value: str, name: str) -> str:
    """Check an id that stands in a header. Raises InvalidRequest."""
    if live.place(value) is None:
        raise InvalidRequest(Problem(name, f"{shown(value)} is not the id of an event", _EVENT_ID_HINT))
    return value


class EventsQuery(Part):
    """`?last_event_id=1795643330531-0`."""

    last_event_id = EventId()


class WaitQuery(Part):
    """`?wait=SECONDS`."""

    wait = Seconds()


class NoQuery(Part):
    """Nothing may stand behind the `?`."""


class PageSize(Value[int]):
    """How many to list."""

    def __init__(self) -> None:
        super().__init__({"type": "integer", "minimum": 1, "maximum": MAX_PAGE}, default=20)

    def read(self, value: object) -> int:
        """Check the bounds."""
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) and 1 <= int(value) <= MAX_PAGE:
            return int(value)
        raise ValidationError(Complaint(f"{shown(value)} is not a page size", f"use a number from 1 to {MAX_PAGE}"))


class Cursor(Value[Place]):
    """Where the page before ended."""

    def __init__(self) -> None:
        super().__init__({"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"})

    def read(self, value: object) -> Place:
        """Read it back."""
        found = place(value) if isinstance(value, str) else None
        if found is not None:
            return found
        raise ValidationError(Complaint(f"{shown(value)} is not a cursor", "use next_cursor of the page before"))


class PageQuery(Part):
    """`?limit=20&cursor=...`."""

    limit = PageSize()
    cursor = Cursor()
