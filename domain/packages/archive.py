"""A zip as the tree of a package. Its directory is looked at before it is read, for it may be a bomb."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, TypeVar, cast

from domain.errors import InvalidRequest
from domain.packages.faults import refused
from domain.packages.tree import MAX_ENTRIES, Entry, Tree

MAX_DIRECTORY_BYTES = 8 * 1024 * 1024
"""Of the archive's own list of files: enough for `MAX_ENTRIES` of 160 bytes each."""
MAX_RATIO = 200
"""How many times its own size an archive may hold, once that is more than `FREE_BYTES`."""
FREE_BYTES = 64 * 1024 * 1024
MAX_LINK_BYTES = 4096

_END = struct.Struct("<4s4H2LH")
_END_MAGIC, _LOCATOR_MAGIC, _LOCATOR_BYTES = b"PK\x05\x06", b"PK\x06\x07", 20
Made = TypeVar("Made")

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error)
"""What reading from a damaged archive raises."""
_NO_ZIP = (*_DAMAGED, ValueError, IndexError)
"""What its directory, or where it says that a file begins, may raise besides."""


@contextmanager
def opened(file: BinaryIO) -> Iterator[Tree]:
    """Read the archive in a file that can be sought; what is in it is read while the context lasts.

    Raises InvalidRequest for what is no zip, or not one of those that are taken.
    """
    size = file.seek(0, 2)
    _check_directory(file, size)
    try:
        archive = zipfile.ZipFile(file)
    except _NO_ZIP as error:
        raise _damaged(error) from error
    try:
        with archive:
            yield _told(lambda: _tree(archive, size))
    except _DAMAGED as error:
        raise _damaged(error) from error


def _told(step: Callable[[], Made]) -> Made:
    """Do a step that looks into the archive. Raises InvalidRequest where that says what cannot be."""
    try:
        return step()
    except _NO_ZIP as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> InvalidRequest:
    return refused("", f"is no whole zip: {error}", "pack the folder of the problem again")


def _check_directory(file: BinaryIO, size: int) -> None:
    start = max(0, size - _END.size - 0xFFFF - _LOCATOR_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END_MAGIC)
    if at < 0 or len(tail) - at < _END.size:
        raise refused("", "is no zip", "send a zip of the problem's folder as application/zip")
    if tail[max(0, at - _LOCATOR_BYTES) :].startswith(_LOCATOR_MAGIC):
        raise refused("", "is a zip64", f"packages have at most {MAX_ENTRIES} files: pack it without zip64")
    entries, directory = _END.unpack_from(tail, at)[4:6]
    if entries > MAX_ENTRIES or directory > MAX_DIRECTORY_BYTES:
        raise refused("", f"has more than {MAX_ENTRIES} files", "leave out what is not part of the problem")


def _tree(archive: zipfile.ZipFile, size: int) -> Tree:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    total = sum(info.file_size for info in infos)
    if total > FREE_BYTES and total > MAX_RATIO * size:
        message = f"holds {total} bytes in {size}, more than {MAX_RATIO} times as much"
        raise refused("", message, "such archives are refused: store test data of one letter another way")
    for info in infos:
        _check(info)
    links = {info.filename: _target(archive, info) for info in infos if _is_link(info)}
    _refuse_twice(infos)
    return Tree.of((_entry(archive, info) for info in infos if info.filename not in links), links)


def _check(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise refused(ascii(info.filename[:60]), "is encrypted or packed in a rare way", "pack it with deflate")
    if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
        raise refused(ascii(info.filename[:60]), "is neither a file nor a link", "leave it out")


def _refuse_twice(infos: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for info in infos:
        if info.filename in seen:
            raise refused(ascii(info.filename[:60]), "is there twice", "give every file a path of its own")
        seen.add(info.filename)


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _target(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if info.file_size > MAX_LINK_BYTES:
        raise refused(ascii(info.filename[:60]), "is a link with a target that is too long", "leave it out")
    return archive.read(info).decode("utf-8", "surrogateescape")


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    mode = (info.external_attr >> 16) & 0o777 or 0o644
    return Entry(info.filename, info.file_size, lambda: _told(lambda: cast("BinaryIO", archive.open(info))), mode)
