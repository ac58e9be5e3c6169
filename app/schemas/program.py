"""A program of a problem's author, as it is sent: a checker, an interactor, a validator.

`ProgramPart` is the whole of one, and the base of parts that have more beside it (an interactor's protocol): those
override `make` and take the program out of their data by `take_program`.
"""

from collections.abc import MutableMapping

from marshmallow import ValidationError, post_load

from app.schemas.complaints import as_messages
from app.schemas.fields import Choice, Text
from app.schemas.files import Source, Sources
from app.schemas.language import Language
from app.schemas.parts import CurrentRules, Part
from domain import source_trees
from domain.errors import InvalidRequest
from domain.judging import Program, Protocol

MAX_PROGRAM_BYTES = 4 * 1024 * 1024
"""Of all sources of one program, whoever sends it: a testlib.h of its own has 200 KB."""
MAX_ENTRY_CHARS = 4000
LANGUAGE_IS = "Of the program: a name, or name@version."
ENTRY_IS = "A path among the program's sources, where one of several is meant."


class ProgramSources(Sources):
    """The sources of an author's program: it brings its own headers, so their size is not that of a submission."""

    def most_bytes(self) -> tuple[int, str]:
        """Give the ceiling, which is everybody's, and what to do above it."""
        return MAX_PROGRAM_BYTES, "for such a program; shorten them"


class ProtocolName(Choice):
    """How the program is told what to look at, and says what it found."""

    def __init__(self) -> None:
        super().__init__(*Protocol)


class ProgramPart(Part):
    """A program with its sources."""

    language = Language(required=True, min_chars=1, description=LANGUAGE_IS)
    source = ProgramSources(required=True)
    entry_point = Text(min_chars=1, max_chars=MAX_ENTRY_CHARS, description=ENTRY_IS)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> object:
        """Make the program."""
        return take_program(data)


def take_program(data: MutableMapping[str, object]) -> Program:
    """Make the program of a part's fields, which are right each by itself, and take them out.

    Raises ValidationError where no program starts at what they say.
    """
    name, source, asked = str(data.pop("language")), data.pop("source"), data.pop("entry_point", None)
    assert isinstance(source, Source)  # noqa: S101 - by its field
    language = CurrentRules.get().languages.choose(name).language
    files = source.named(language.main_file)
    entry = str(asked) if asked is not None else None
    try:
        return Program(name, files, source_trees.entry_point(language, files, entry, source.filename))
    except InvalidRequest as error:
        raise ValidationError(as_messages(error)) from None
