"""`/v1/regrades`: which submissions are graded again, and how; and what stands behind the `?`."""

import re
from dataclasses import dataclass

from marshmallow import ValidationError, post_load

from app.schemas.complaints import Complaint, shown
from app.schemas.fields import Choice, Flag, Text, Whole
from app.schemas.paging import PageSize
from app.schemas.parts import Items, Object, Part, Value
from app.schemas.request import Id
from app.schemas.submission_list import Moment
from domain.regrade import Options, Seed, Version
from domain.regrade_selection import Selection
from domain.verdict import Verdict

MAX_IDS = 10_000
MAX_AT_ONCE = 100_000
MAX_VERSION = 2**31 - 1


class SelectionPart(Part):
    """Submissions that are all of this, and whose current execution is done."""

    problem_id = Text(min_chars=1)
    problem_version = Whole(floor=1, ceiling=MAX_VERSION, description="That the current execution used.")
    language = Text(min_chars=1, description="A name takes in all its versions: `cpp`, `cpp@20`.")
    verdicts = Items(Choice(*Verdict), most=len(Verdict), description="Of the current execution, as `reason` is.")
    reason = Text(min_chars=1)
    user_id = Text(min_chars=1)
    owner_id = Id()
    created_from = Moment("The earliest moment.")
    created_to = Moment("The first moment that is too late.")
    ids = Items(Id(), most=MAX_IDS, description="Of submissions.")

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Selection:
        """Make it."""
        verdicts, ids = data.pop("verdicts", []), data.pop("ids", [])
        assert isinstance(verdicts, list)  # noqa: S101 - by its field
        assert isinstance(ids, list)  # noqa: S101 - by its field
        return Selection(verdicts=tuple(map(Verdict, verdicts)), ids=tuple(ids), **data)  # type: ignore[arg-type] # by its fields


class OptionsPart(Part):
    """How they are graded again."""

    version = Choice(*Version)
    seed = Choice(*Seed)
    at_once = Whole(floor=1, ceiling=MAX_AT_ONCE, description="Left out: half as many as live hosts have slots.")

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Options:
        """Make them."""
        at_once = data.get("at_once")
        assert at_once is None or isinstance(at_once, int)  # noqa: S101 - by its field
        version, seed = str(data.get("version", Version.SAME)), str(data.get("seed", Seed.RECORDED))
        return Options(Version(version), Seed(seed), at_once)


@dataclass(frozen=True)
class RegradeAsked:
    """A regrade that is asked for."""

    selection: Selection
    options: Options
    dry_run: bool


class RegradeRequest(Part):
    """A regrade to begin, or with `dry_run` to be told of."""

    selection = Object(SelectionPart, required=True)
    options = Object(OptionsPart)
    dry_run = Flag()

    @post_load
    def make(self, data: dict[str, object], **_: object) -> RegradeAsked:
        """Make it."""
        selection, options = data["selection"], data.get("options", Options())
        assert isinstance(selection, Selection)  # noqa: S101 - by its field
        assert isinstance(options, Options)  # noqa: S101 - by its field
        return RegradeAsked(selection, options, bool(data.get("dry_run", False)))


class Yes(Value[bool]):
    """`true` or `false` in a URL."""

    def __init__(self, description: str) -> None:
        super().__init__({"type": "boolean"}, description=description)

    def read(self, value: object) -> bool:
        """Take the two words alone."""
        if value not in {"true", "false"}:
            raise ValidationError(Complaint(f"{shown(value)} is neither true nor false", "write true or false"))
        return value == "true"


class Position(Value[int]):
    """The position at which a page begins."""

    def __init__(self) -> None:
        super().__init__({"type": "string", "pattern": "^[0-9]{1,9}$"}, default=0)

    def read(self, value: object) -> int:
        """Read it back."""
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
            return int(value)
        raise ValidationError(Complaint(f"{shown(value)} is not a cursor", "use next_cursor of the page before"))


class RegradeItemsQuery(Part):
    """`?changed=true&limit=20&cursor=...`."""

    changed = Yes("Only those whose verdict or points changed, or (false) that are done and did not.")
    limit = PageSize()
    cursor = Position()


class ApplyQuery(Part):
    """`?partial=true`."""

    partial = Yes("Apply what is done, and give up the rest.")  # type: ignore[assignment]
