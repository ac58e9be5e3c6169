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

    Those for the submission's language come over those for any. One that is named as a main program is it. A file of
    the submission that would have to be a folder of theirs, or lie in what is a file of theirs, is left out: it would
    keep the rest from being put into a box.
    """
    own = _over(included.get(ANY, ()), included.get(language.partition("@")[0], ()))
    return tuple(_over(sources, own)), _start(entry_point, own)


def _over(below: Sequence[File], above: Sequence[File]) -> list[File]:
    """Lay files over others, which keep the places that they had."""
    found = {file.path: file for file in above}
    paths = frozenset(found)
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    left = [
        found.pop(file.path, file)
        for file in below
        if file.path not in folders and paths.isdisjoint(map(str, PurePosixPath(file.path).parents))
    ]
    return [*left, *found.values()]


def _start(entry_point: str | None, own: Sequence[File]) -> str | None:
    if entry_point is None:
        return None
    suffix = PurePosixPath(entry_point).suffix
    mains = [file.path for file in own if "/" not in file.path and PurePosixPath(file.path).stem in _MAIN]
    return next((path for path in mains if PurePosixPath(path).suffix == suffix), entry_point)
