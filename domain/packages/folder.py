"""A folder as the tree of a package, and a package as a zip."""

import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from domain.packages import archive
from domain.packages.faults import refused
from domain.packages.tree import Entry, Tree

_TIME = (1980, 1, 1, 0, 0, 0)
"""The same package is the same archive."""
_PASSED_OVER = {".git", "__pycache__", "__MACOSX"}
_CHUNK = 1024 * 1024


def read(path: Path) -> Tree:
    """Read the folder of a package. Raises InvalidRequest, OSError."""
    files: list[Entry] = []
    links: dict[str, str] = {}
    for found in _walk(path):
        name = found.relative_to(path).as_posix()
        status = found.lstat()
        if stat.S_ISLNK(status.st_mode):
            links[name] = str(found.readlink())
        elif stat.S_ISREG(status.st_mode):
            files.append(_entry(found, name, status))
        else:
            raise refused(name, "is neither a file nor a link", "leave it out")
    return Tree.of(iter(files), links)


@contextmanager
def opened(path: Path) -> Iterator[Tree]:
    """Read a package, a folder or a zip. Raises InvalidRequest, OSError."""
    if path.is_dir():
        yield read(path)
        return
    with path.open("rb") as file, archive.opened(file) as tree:
        yield tree


def pack(tree: Tree, file: BinaryIO) -> None:
    """Write a package as a zip, without a top folder. Raises OSError."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in tree.dropped:
            packed.writestr(zipfile.ZipInfo(name, _TIME), b"")  # who reads it says that it is left out
        for one in tree.files():
            info = zipfile.ZipInfo(one.path, _TIME)
            info.external_attr = (stat.S_IFREG | one.mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            info.file_size = one.size_bytes  # or more than 2 GiB would come as a surprise
            with one.open() as source, packed.open(info, "w") as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)


def _walk(path: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(path):
        here = Path(folder)
        yield from (here / name for name in [*names, *folders] if name in names or (here / name).is_symlink())
        folders[:] = [name for name in folders if name not in _PASSED_OVER and not (here / name).is_symlink()]


def _entry(path: Path, name: str, status: os.stat_result) -> Entry:
    return Entry(name, status.st_size, lambda: path.open("rb"), status.st_mode & 0o777)
