"""`GET /v1/submissions?...`: which submissions, and where the page begins."""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from marshmallow import ValidationError, post_load

from app.schemas.complaints import Complaint, shown
from app.schemas.documents import SubmissionSummary
from app.schemas.fields import Choice, Text
from app.schemas.language import Language
from app.schemas.paging import Page, PageQuery, page
from app.schemas.parts import Value
from app.schemas.selecting import Fields, Selection
from domain.listing import Filters
from domain.verdict import State, Verdict

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class FilteredPage(Page):
    """What was asked for of the list of submissions."""

    filters: Filters
    fields: Selection | None


class Moment(Value[datetime]):
    """A moment as RFC 3339 has it."""

    def __init__(self, description: str) -> None:
        super().__init__({"type": "string", "format": "date-time"}, description=description)

    def read(self, value: object) -> datetime:
        """Read it, in UTC."""
        try:
            if isinstance(value, str) and _MOMENT.fullmatch(value.upper()):
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        hint = "use the form 2026-11-25T08:00:00Z; in a URL the + of another offset is written %2B"
        raise ValidationError(Complaint(f"{shown(value)} is not a moment with an offset", hint))


class ListQuery(PageQuery):
    """`?limit=20&cursor=...&verdict=WA`."""

    user_id = Text(min_chars=1)
    problem_id = Text(min_chars=1)
    language = Language(min_chars=1, description="A name takes in all its versions: `cpp`, `cpp@20`.")
    state = Choice(*State)
    verdict = Choice(*Verdict)
    created_from = Moment("The earliest moment.")
    created_to = Moment("The first moment that is too late.")
    fields = Fields(SubmissionSummary)  # type: ignore[assignment]

    @post_load
    def make(self, data: dict[str, object], **_: object) -> FilteredPage:
        """See that the cursor is one of this list."""
        fields = data.pop("fields", None)
        filters = _filters({name: value for name, value in data.items() if name not in {"limit", "cursor"}})
        asked = page(data, asdict(filters))
        return FilteredPage(asked.limit, asked.before, filters, fields)  # type: ignore[arg-type] # by its field


def _filters(data: dict[str, object]) -> Filters:
    if "state" in data:
        data["state"] = State(str(data["state"]))
    if "verdict" in data:
        data["verdict"] = Verdict(str(data["verdict"]))
    return Filters(**data)  # type: ignore[arg-type]
