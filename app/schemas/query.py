"""What stands behind the `?` of a URL."""

import re

from marshmallow import ValidationError

from app.schemas.complaints import Complaint, shown
from app.schemas.documents import SubmissionAnswer
from app.schemas.fields import Text
from app.schemas.parts import Part, Value
from app.schemas.selecting import Fields
from domain import live
from domain.errors import InvalidRequest, Problem

MAX_WAIT_S = 60
_EVENT_ID_HINT = "send an `id` as it came, or leave it out to begin anew"
_SECONDS = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,40})?(e[+-]?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)
"""A number as JSON has it, of a bearable length."""


class Seconds(Value[float]):
    """How long to hold the answer, in seconds."""

    def __init__(
        self,
        default: float = 0.0,
        description: str = "Hold the answer until the execution is done, at most this many seconds.",
    ) -> None:
        document = {"type": "number", "minimum": 0, "maximum": MAX_WAIT_S}
        super().__init__(document, description=description, default=float(default))

    def read(self, value: object) -> float:
        """Check the bounds."""
        hint = f"use seconds from 0 to {MAX_WAIT_S}"
        if not isinstance(value, str) or not _SECONDS.fullmatch(value):
            raise ValidationError(Complaint(f"{shown(value)} is not a number of seconds", hint))
        if not 0 <= float(value) <= MAX_WAIT_S:
            which = "below the floor of 0" if value.startswith("-") else f"above the ceiling of {MAX_WAIT_S}"
            raise ValidationError(Complaint(f"{value} is {which}", hint))
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


class UserQuery(Part):
    """`?user_id=`: one of the users whom a service names."""

    user_id = Text(min_chars=1)


class NoQuery(Part):
    """Nothing may stand behind the `?`."""


class Reveal(Value[bool]):
    """A wish to see what is hidden."""

    def __init__(self) -> None:
        description = "Show what is hidden, too: to the problem's author and to operators, and it is noted who did."
        super().__init__({"type": "boolean"}, description=description, default=False)

    def read(self, value: object) -> bool:
        """Take true and false."""
        if value not in {"true", "false"}:
            raise ValidationError(Complaint(f"must be true or false, not {shown(value)}", "leave it out for false"))
        return value == "true"


class RevealQuery(Part):
    """`?reveal=true`."""

    reveal = Reveal()


class ReadQuery(WaitQuery):
    """`?wait=SECONDS&fields=id,execution.verdict`."""

    reveal = Reveal()

    fields = Fields(SubmissionAnswer)  # type: ignore[assignment]
