"""What a language makes of a submission's sources (pure): where the program starts, and what is compiled how."""

import fnmatch
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from domain.errors import InvalidRequest, Problem
from domain.language import Language, Step
from domain.model import File


def entry_point(
    language: Language, sources: Sequence[File], asked: str | None, filename: str | None = None
) -> str | None:
    """Say which source the program starts at: as asked, else the main file, else `filename`, else the only source.

    None where the language takes the whole tree. Raises InvalidRequest for one that is not among the sources, or
    where there is more than one to choose from.
    """
    paths = [file.path for file in sources]
    if asked is not None and asked not in paths:
        hint = "name one of the sources: " + ", ".join(paths[:10])
        raise InvalidRequest(Problem("entry_point", f"{asked!r} is not among the sources", hint))
    if asked is not None or not language.needs_entry:
        return asked
    for name in (language.main_file, filename):
        if name in paths:
            return name
    if choices := _only_choices(language, paths):
        return choices[0]
    hint = f"set entry_point, or name one file {language.main_file}"
    raise InvalidRequest(Problem("entry_point", "several sources and none is the main file", hint))


def _only_choices(language: Language, paths: Sequence[str]) -> list[str]:
    """List what leaves no doubt though nobody named it, the surest first."""
    of_language = [path for path in paths if _is_source(language, path)]
    named_main = [path for path in paths if PurePosixPath(path).name == language.main_file]
    folders = {PurePosixPath(path).parent for path in of_language}
    # Where the compiler takes all the sources of one folder, each of them leads to the same program.
    same_program = of_language[:1] if language.source_scope == "entry_dir" and len(folders) == 1 else []
    alone = [choice[0] for choice in (paths, of_language, named_main) if len(choice) == 1]
    return [*alone, *same_program]


def _is_source(language: Language, path: str) -> bool:
    return any(fnmatch.fnmatchcase(PurePosixPath(path).name, pattern) for pattern in language.sources)


def compiler_sources(language: Language, sources: Sequence[File], entry: str | None) -> list[str]:
    """List what the compiler is given, as `./name` so that no file name can be taken for an option."""
    paths = [file.path for file in sources]
    if language.source_scope == "entry":
        return [f"./{path}" for path in paths if path == entry]
    if language.source_scope == "entry_dir":
        folder = PurePosixPath(entry or "").parent
        paths = [path for path in paths if PurePosixPath(path).parent == folder]
    return [f"./{path}" for path in paths if _is_source(language, path)]


def compile_step(language: Language, sources: Sequence[File]) -> Step | None:
    """Say how this tree is compiled: as a module where one of `with_file` is there. None where nothing is compiled."""
    if language.compile is None:
        return None
    step, paths = language.compile.step, {file.path for file in sources}
    for name, argv in language.compile.with_file.items():
        if name in paths:
            return replace(step, argv=argv)
    return step
