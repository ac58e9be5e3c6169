"""What is put beside the sources of a function problem, or of one with unit tests, and run in their place (pure)."""

import json
from pathlib import PurePosixPath

from domain.language import Language
from domain.model import File, Submission

FOLDER = ".shipd"
"""In the box: what the platform puts there. A file of a submission under that name is not put there."""
SUITE = f"{FOLDER}/suite"
"""In a compiler's box: the tests that are compiled with the program."""
CALL = f"{FOLDER}/call.json"
RETURNED = f"{FOLDER}/returned.json"


def beside(language: Language, asked: Submission, entry: str | None) -> tuple[File, ...]:
    """Give it, first what is run; nothing where the program itself is. None of it tells what is expected."""
    function = asked.function
    if function is not None and language.harness is not None:
        path = f"{FOLDER}/call{PurePosixPath(language.harness.path).suffix}"
        named = {"entry": entry, "name": function.name, "class_name": function.class_name}
        return File(path, language.harness.content), File(CALL, json.dumps(named).encode())
    if asked.suite is not None and language.suites is not None and not language.suites.linked:
        files = (File(f"{FOLDER}/{file.path}", file.content) for file in language.suites.program)
        return *files, File(CALL, json.dumps({"entry": entry}).encode())
    return ()


def compiled_with(language: Language, asked: Submission) -> tuple[File, ...]:
    """Give what a compiler is given beside the sources, first what is run in its place; nothing where it is run itself.

    None of it is in the box of a test case: only what was compiled is.
    """
    if asked.suite is None or language.suites is None or not language.suites.linked:
        return ()
    build = (File(f"{FOLDER}/{file.path}", file.content) for file in language.suites.program)
    return *build, *(File(f"{SUITE}/{file.path}", file.content) for file in asked.suite.files)
