"""What is put beside the sources of a function problem, or of one with unit tests, and run in their place (pure)."""

import json
from pathlib import PurePosixPath

from domain.language import Language
from domain.model import File, Submission

FOLDER = ".shipd"
"""In the box: what the platform puts there. A file of a submission under that name is not put there."""
CALL = f"{FOLDER}/call.json"
RETURNED = f"{FOLDER}/returned.json"


def beside(language: Language, asked: Submission, entry: str | None) -> tuple[File, ...]:
    """Give it, first what is run; nothing where the program itself is. None of it tells what is expected."""
    function = asked.function
    if function is not None and language.harness is not None:
        path = f"{FOLDER}/call{PurePosixPath(language.harness.path).suffix}"
        named = {"entry": entry, "name": function.name, "class_name": function.class_name}
        return File(path, language.harness.content), File(CALL, json.dumps(named).encode())
    if asked.suite is not None and language.suites is not None:
        files = (File(f"{FOLDER}/{file.path}", file.content) for file in language.suites.program)
        return *files, File(CALL, json.dumps({"entry": entry}).encode())
    return ()
