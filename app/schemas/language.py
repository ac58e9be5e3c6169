"""The name of a language in a request."""

from marshmallow import ValidationError

from app.schemas.complaints import as_messages
from app.schemas.fields import Text
from app.schemas.parts import CurrentRules
from domain.errors import InvalidRequest


class Language(Text):
    """A language that this deployment knows, perhaps with a version."""

    def read(self, value: object) -> str:
        """Look it up."""
        asked = super().read(value)
        try:
            CurrentRules.get().languages.choose(asked)
        except InvalidRequest as error:
            raise ValidationError(as_messages(error)["language"]) from None  # type: ignore[arg-type]
        return asked
