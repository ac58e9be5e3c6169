"""Packages made by hand, for tests."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from domain.blob_folder import FolderBlobs
from domain.packages import reading
from domain.packages.reading import Imported
from domain.packages.tree import Tree, entry

Files = Mapping[str, str | bytes]

ACCEPTED = "print(input())\n"
HELLO: Files = {
    "problem.yaml": "name: Hello\n",
    "data/sample/1.in": "1\n",
    "data/sample/1.ans": "1\n",
    "data/secret/2.in": "2\n",
    "data/secret/2.ans": "2\n",
    "submissions/accepted/echo.py": ACCEPTED,
}
CURRENT = "problem_format_version: 2023-07-draft\nname: Hello\n"
VALIDATOR = "import sys\nsys.exit(42)\n"


def tree(files: Files, links: Mapping[str, str] | None = None) -> Tree:
    return Tree.of((entry(path, _bytes(data)) for path, data in files.items()), links)


def read(files: Files, folder: Path, timeout_ms: int | None = None) -> Imported:
    """Read a package; `folder` is where its blobs go."""
    return reading.read(tree(files), "hello", FolderBlobs(folder / "blobs"), timeout_ms=timeout_ms)


def zipped(files: Files) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return packed


def told(imported: Imported, part: str) -> list[str]:
    """Give the messages of the report about what has this in its name."""
    return [finding.message for finding in imported.report if part in finding.name]


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data
