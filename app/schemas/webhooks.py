"""Webhooks as they are asked for: the callback of a submission, and endpoints."""

from marshmallow import ValidationError, post_load

from app.schemas.complaints import Complaint, shown
from app.schemas.fields import Choice, Flag, Text
from app.schemas.parts import CurrentRules, Items, Part
from domain.model import Callback
from domain.signing import MAX_SECRET_CHARS, MIN_SECRET_CHARS, BadSecret, key_of
from domain.webhook_url import MAX_URL_CHARS, BadUrl, parse
from domain.webhooks import SUBSCRIBABLE, Change, Event


class WebhookUrl(Text):
    """A URL that this deployment would call."""

    def __init__(self, *, required: bool = False) -> None:
        description = "https, at a host on the public internet; redirects are not followed."
        super().__init__(min_chars=1, max_chars=MAX_URL_CHARS, required=required, description=description)

    def read(self, value: object) -> str:
        """Check it, as it will be checked again before each delivery."""
        url = super().read(value)
        try:
            parse(url, CurrentRules.get().webhooks)
        except BadUrl as error:
            raise ValidationError(Complaint(str(error), error.hint)) from None
        return url


class Secret(Text):
    """What deliveries are signed with; it is never shown again, not even in an error."""

    def __init__(self, *, required: bool = False) -> None:
        description = "`whsec_` and 24 to 64 bytes in base64, or any text, whose UTF-8 is the key then."
        super().__init__(
            min_chars=MIN_SECRET_CHARS, max_chars=MAX_SECRET_CHARS, required=required, description=description
        )

    def read(self, value: object) -> str:
        """Check its length and form."""
        secret = super().read(value)
        try:
            key_of(secret)
        except BadSecret as error:
            hint = "send 32 random bytes in base64 behind whsec_, or a text that begins otherwise"
            raise ValidationError(Complaint(str(error), hint)) from None
        return secret


class Events(Items[str]):
    """Which events an endpoint wants."""

    def __init__(self) -> None:
        super().__init__(Choice(*SUBSCRIBABLE), most=len(SUBSCRIBABLE), description="Left out: all of them.")

    def read(self, value: object) -> list[str | None]:
        """Refuse an empty list: an endpoint that wants nothing is none."""
        found = super().read(value)
        if not found:
            raise ValidationError(Complaint("must not be empty", "name an event, or leave the field out"))
        if len(set(found)) < len(found):
            raise ValidationError(Complaint(f"names an event twice: {shown(found)}", "name each once"))
        return found


class CallbackPart(Part):
    """Where the end of this submission is to be told, and what that is signed with."""

    url = WebhookUrl(required=True)
    secret = Secret(required=True)

    @post_load
    def make(self, data: dict[str, str], **_: object) -> Callback:
        """Make it."""
        return Callback(data["url"], data["secret"])


class WebhookRequest(Part):
    """An endpoint for all submissions of its owner."""

    url = WebhookUrl(required=True)
    events = Events()
    description = Text(description="For people.")
    secret = Secret()


class WebhookChange(Part):
    """What is to be different; what is left out stays."""

    url = WebhookUrl()
    events = Events()
    description = Text()
    enabled = Flag()

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Change:
        """Make it."""
        if "events" in data:
            data["events"] = chosen(data["events"])
        return Change(**data)  # type: ignore[arg-type]


class Rotation(Part):
    """A new secret; one is made where none is given."""

    secret = Secret()


def chosen(events: object) -> tuple[Event, ...]:
    """Give the events of a list that was read; all where there was none."""
    return tuple(map(Event, events)) if isinstance(events, list) else SUBSCRIBABLE
