"""Files of a problem that go with every submission to it (pure): libraries, or the program that calls it."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from domain.file import File

ANY = ""
"""Stands for the name of a language: files for all."""
_MAIN = {"main", "Main"}


def laid_over(
    sources: Sequence[File], entry_point: str | None, language: str, included: Mapping[str, Sequence[File]]
) -> tuple[tuple[File, ...], str | None]:
    """Lay a problem's files over the sources of a submission; gives them, and where the program starts.

    Those for the submission's language come over those for any. One that is named as a main program is it.
    """
    found = {file.path: file for file in sources}
    own = [*included.get(ANY, ()), *included.get(language.partition("@")[0], ())]
    found |= {file.path: file for file in own}
    return tuple(found.values()), _start(entry_point, own)


def _start(entry_point: str | None, own: Sequence[File]) -> str | None:
    if entry_point is None:
        return None
    suffix = PurePosixPath(entry_point).suffix
    mains = [file.path for file in own if "/" not in file.path and PurePosixPath(file.path).stem in _MAIN]
    return next((path for path in mains if PurePosixPath(path).suffix == suffix), entry_point)
