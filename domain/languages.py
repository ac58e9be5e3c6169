"""Languages as data: `jail-configs/languages/<name>.toml`, read once.

Adding one is one file there and one golden directory in `tests/problems/`. What is in it: `domain/language`, how it is
read: `domain/language_files`, how its argument lists are filled: `domain/placeholders`, what it makes of the sources of
a submission: `domain/source_trees`.
"""

from collections.abc import Mapping
from pathlib import Path

from domain import language_files
from domain.errors import InvalidRequest, Problem
from domain.language import Choice, Language


class Languages:
    """All languages by name."""

    def __init__(self, known: Mapping[str, Language]) -> None:
        self.known = known

    @classmethod
    def load(cls, folder: Path) -> "Languages":
        """Read every `*.toml` of `folder`. Raises ValueError naming the file that is wrong."""
        found = [language_files.read(path) for path in sorted(folder.glob("*.toml"))]
        if not found:
            raise ValueError(f"no language files in {folder}")
        return cls({language.name: language for language in found})

    def choose(self, asked: str) -> Choice:
        """Find `name` or `name@version`. Raises InvalidRequest naming what there is."""
        name, _, version = asked.partition("@")
        language = self.known.get(name)
        if language is None:
            hint = "use one of " + ", ".join(sorted(self.known))
            raise InvalidRequest(Problem("language", f"unknown language {name!r}", hint))
        version = version or language.default_version
        if version not in language.versions or asked.endswith("@"):
            hint = "use one of " + ", ".join(f"{name}@{v}" for v in language.versions)
            raise InvalidRequest(Problem("language", f"{name} has no version {asked.partition('@')[2]!r}", hint))
        return Choice(language, version)
