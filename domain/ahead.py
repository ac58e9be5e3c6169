"""How a runtime is started before its program is there (pure): `[run.ahead]` of a language's file.

The runtime comes up, and is held when it opens `file`. A program may notice two things, for which it must be started
plainly: that something was looked for before it was there, and how long its process has been there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.model import File

_MOST_BYTES = 4 << 20
"""Of a box are looked through."""
_READABLE = 0o400


@dataclass(frozen=True)
class Ahead:
    """Where a runtime can be held, and for which programs."""

    file: str
    """The file that it opens first of the program's, with placeholders: all it did until then is the same for every
    program with that file."""
    not_beside: tuple[str, ...] = ()
    """Names of files that it looks for earlier."""
    not_naming: tuple[str, ...] = ()
    """Words, one of which every program has in it that asks for the age of its process."""

    def __post_init__(self) -> None:
        if not self.file:
            raise ValueError("ahead.file is empty")

    def suits(self, files: Sequence[File], path: str) -> bool:
        """Whether a program of these files, `path` its first, is as well off with a runtime that was held there."""
        first = [file for file in files if file.path == path]
        if len(first) != 1 or not first[0].mode & _READABLE:
            return False
        if any(file.path.rpartition("/")[2] in self.not_beside for file in files):
            return False
        if sum(len(file.content) for file in files) > _MOST_BYTES:
            return False
        words = [word.encode() for word in self.not_naming]
        return not any(word in file.content for file in files for word in words)


def read_ahead(value: object) -> Ahead | None:
    """Read the table, where there is one. Raises TypeError, ValueError saying what is wrong."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise TypeError(f"ahead must be a table, not {value!r}")
    lists = {name: value.get(name, []) for name in ("not_beside", "not_naming")}
    for name, words in lists.items():
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise TypeError(f"ahead.{name} must be a list of words, not {words!r}")
    unknown = set(value) - {"file", *lists}
    if unknown or not isinstance(value.get("file"), str):
        raise TypeError(f"ahead is {{file, not_beside, not_naming}}, not {sorted(value)}")
    return Ahead(value["file"], **{name: tuple(words) for name, words in lists.items()})
