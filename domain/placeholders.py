"""What stands for something else in a language's argument lists and environments (pure).

An element that is exactly `{sources}`, `{flags}` or `{arguments}` stands for a list; within any element `{entry}`,
`{main_class}`, `{memory_mb}`, `{cpus}` stand for one value (`{entry_dir}` is the entry point's folder, `.` for the
root). The values stand in environments too. Nothing is ever given to a shell.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

ARGUMENTS = "{arguments}"
"""In an argument list: the program's own arguments."""


def expand(argv: Sequence[str], lists: Mapping[str, Sequence[str]], values: Mapping[str, str]) -> list[str]:
    """Fill the placeholders of an argument list: whole elements from `lists`, parts of elements from `values`.

    What is filled in is never looked at again: a file may be called `{memory_mb}`.
    """
    result: list[str] = []
    for element in argv:
        name = element[1:-1] if element.startswith("{") and element.endswith("}") else ""
        result.extend(lists[name] if name in lists else [_filled(element, values)])
    return result


def environment(env: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Give what a step adds to a jail's environment, the placeholders filled."""
    return {name: _filled(text, values) for name, text in env.items()}


def _filled(text: str, values: Mapping[str, str]) -> str:
    if "entry" in values:
        values = {"entry_dir": str(PurePosixPath(values["entry"]).parent), **values}
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)
