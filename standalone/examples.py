"""The examples: folders of `examples/`, each a program, the request that runs it, and the verdict it should get.

examples/NAME/example.json   {"title", "files": [...], "verdict", "request": {the body but for its source}}
examples/NAME/...            the files
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Example:
    """One example; `request` is the whole body for `POST /v1/submissions`."""

    name: str
    title: str
    language: str
    verdict: str
    request: Mapping[str, object]


def load(folder: Path) -> list[Example]:
    """Read every example of `folder`, what is accepted first. Raises ValueError naming the file that is wrong."""
    found = [read(path) for path in folder.glob("*/example.json")]
    return sorted(found, key=lambda example: (example.verdict != "AC", example.language, example.name))


def read(path: Path) -> Example:
    """Read one `example.json` with the files beside it. Raises ValueError naming the file that is wrong."""
    try:
        known = json.loads(path.read_text())
        request = {"source": _source(path.parent, known["files"]), **known["request"]}
        return Example(path.parent.name, known["title"], request["language"], known["verdict"], request)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(f"{path}: {error!r}") from error


def _source(folder: Path, names: list[str]) -> dict[str, object]:
    files = [{"path": name, "content": (folder / name).read_text()} for name in names]
    if len(files) == 1:
        return {"type": "code", "filename": files[0]["path"], "content": files[0]["content"]}
    return {"type": "files", "files": files}
