"""What is put beside the sources of a function problem, and what it leaves behind (pure)."""

import json
from pathlib import PurePosixPath

from domain.function import Function
from domain.language import Language
from domain.model import File

FOLDER = ".shipd"
"""In the box: what the platform puts there. A file of a submission under that name is not put there."""
CALL = f"{FOLDER}/call.json"
RETURNED = f"{FOLDER}/returned.json"


def caller(language: Language) -> str | None:
    """Give the path of what is run in the program's place; None for a language without function problems."""
    if language.harness is None:
        return None
    return f"{FOLDER}/call{PurePosixPath(language.harness.path).suffix}"


def calling_files(language: Language, function: Function, entry: str | None) -> tuple[File, ...]:
    """Give what calls the function: a harness, and what it is to call. Nothing of it tells what is expected."""
    path = caller(language)
    if path is None or language.harness is None:
        return ()
    asked = {"entry": entry, "name": function.name, "class_name": function.class_name}
    return File(path, language.harness.content), File(CALL, json.dumps(asked).encode())
