"""The files of a package by their path, however it came, with hard caps and no way out of it."""

import io
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from domain.packages.faults import refused
from domain.payload import Payload

MAX_ENTRIES = 50_000
MAX_BYTES = 4 * 1024 * 1024 * 1024
"""Of all files together."""
MAX_FILE_BYTES = 1024 * 1024 * 1024
MAX_PATH_CHARS = 1000
MAX_TEXT_BYTES = 4 * 1024 * 1024
"""Of a file that is read whole: YAML, a source."""
MAX_READ_BYTES = 128 * 1024 * 1024
"""Of all that is read whole, with what constants unfold to."""
MAX_HOPS = 40
"""Links followed on the way to one file."""

_IGNORED = re.compile(r"__MACOSX|\.DS_Store|\.git(ignore|attributes|keep)?|__pycache__")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_SPOILED = re.compile(r"(?:[^/\\]+/)?submissions/[^/\\]+/.*\\.*")
"""An example submission whose name no platform takes, which is then what it is an example of."""


@dataclass(frozen=True)
class Entry:
    """One regular file. `payload` where its bytes are kept already."""

    path: str
    size_bytes: int
    open: Callable[[], BinaryIO]
    mode: int = 0o644
    payload: Payload | None = None


def entry(path: str, data: bytes, mode: int = 0o644) -> Entry:
    """Give a file that is in memory."""
    return Entry(path, len(data), lambda: io.BytesIO(data), mode)


class Tree:
    """The files of one package. Paths are relative, with `/`, and in order."""

    def __init__(self, entries: Mapping[str, Entry], dropped: Sequence[str] = ()) -> None:
        self.dropped = tuple(dropped)
        """Files of example submissions that are left out for the backslash in their names."""
        self._entries = dict(sorted(entries.items()))
        self._folders = _folders(self._entries)
        self._spent: dict[str, int] = {}

    @classmethod
    def of(cls, entries: Iterator[Entry], links: Mapping[str, str] | None = None) -> "Tree":
        """Take files, and links by their targets. Raises InvalidRequest beyond a cap, for bad names, for links out."""
        files: dict[str, Entry] = {}
        total, dropped = 0, list[str]()
        for one in entries:
            if _SPOILED.fullmatch(one.path):
                _check_name(one.path.replace("\\", "_"))
                dropped.append(one.path)
                continue
            _check_name(one.path)
            if one.path in files:
                raise refused(one.path, "is there twice", "give every file a path of its own")
            files[one.path] = one
            total += one.size_bytes
            _check_size(one, len(files), total)
        files = {path: one for path, one in _linked(files, dict(links or {})).items() if not _ignored(path)}
        return cls(_without_top(files), dropped)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def names(self, folder: str) -> list[str]:
        """List what is directly in a folder, files and folders; nothing where there is none."""
        return sorted(self._folders.get(folder, ()))

    def is_folder(self, path: str) -> bool:
        """Whether it is a folder."""
        return path in self._folders

    def under(self, folder: str) -> list[Entry]:
        """Give all files below a folder."""
        return [one for path, one in self._entries.items() if path.startswith(f"{folder}/")]

    def entry(self, path: str) -> Entry:
        """Give a file that is there."""
        return self._entries[path]

    def files(self) -> list[Entry]:
        """Give all files."""
        return list(self._entries.values())

    def read(self, path: str, most: int = MAX_TEXT_BYTES) -> bytes:
        """Read a file whole. Raises InvalidRequest where it is longer than `most`, or too much was read by now."""
        found = self._entries[path]
        if found.size_bytes > most:
            raise refused(path, f"holds {found.size_bytes} bytes, above the ceiling of {most}", "shorten it")
        self.spend("texts and programs", found.size_bytes, MAX_READ_BYTES)
        with found.open() as file:
            return file.read(most + 1)[:most]

    def spend(self, what: str, size_bytes: int, most: int) -> None:
        """Count what is read of one kind. Raises InvalidRequest where it comes to more than `most` together."""
        self._spent[what] = self._spent.get(what, 0) + size_bytes
        if self._spent[what] > most:
            raise refused("", f"has more than {most} bytes of {what}", "leave some out")

    def text(self, path: str) -> str:
        """Read a text file. Raises InvalidRequest where it is no UTF-8."""
        try:
            return self.read(path).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise refused(path, f"is not UTF-8 (byte {error.start})", "encode it as UTF-8") from None


def _folders(entries: Mapping[str, Entry]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"": set()}
    for path in entries:
        while path:
            folder, _, name = path.rpartition("/")
            known = folder in found
            found.setdefault(folder, set()).add(name)
            if known and folder:
                break
            path = folder  # noqa: PLW2901 - one folder up
    for folder in found:
        if folder in entries:
            raise refused(folder, "is a file and a folder", "give every file a path of its own")
    return found


def _check_name(path: str) -> None:
    if len(path) > MAX_PATH_CHARS:
        raise refused(path[:60], f"has a path of {len(path)} characters", f"use at most {MAX_PATH_CHARS}")
    if _CONTROL.search(path):
        raise refused(ascii(path[:60]), "has a backslash, a control character or no UTF-8 in its path", "rename it")
    if any(part in {"", ".", ".."} for part in path.split("/")):
        raise refused(path[:60], "is no path within the package", "use relative paths without . and ..")


def _check_size(one: Entry, count: int, total: int) -> None:
    if one.size_bytes > MAX_FILE_BYTES:
        raise refused(one.path, f"holds {one.size_bytes} bytes, above the ceiling of {MAX_FILE_BYTES}", "shorten it")
    if count > MAX_ENTRIES:
        raise refused("", f"has more than {MAX_ENTRIES} files", "leave out what is not part of the problem")
    if total > MAX_BYTES:
        raise refused("", f"holds more than {MAX_BYTES} bytes unpacked", "shorten its test data")


def _linked(files: dict[str, Entry], links: Mapping[str, str]) -> dict[str, Entry]:
    """Put what links lead to in their place; what leads to nothing is not there."""
    found, total = dict(files), sum(one.size_bytes for one in files.values())
    for path in links:
        _check_name(path)
        if path in files:
            raise refused(path, "is there twice", "give every file a path of its own")
        real = _real(path, links)
        reached = [(path, files[real])] if real in files else _below(path, real, files)
        for at, one in reached:
            found.setdefault(at, replace(one, path=at))
            total += one.size_bytes
            _check_size(one, len(found), total)
    return found


def _below(path: str, real: str, files: Mapping[str, Entry]) -> list[tuple[str, Entry]]:
    inside = f"{real}/"
    return [(f"{path}/{at.removeprefix(inside)}", one) for at, one in files.items() if at.startswith(inside)]


def _real(path: str, links: Mapping[str, str]) -> str:
    """Follow links, also on the way. Raises InvalidRequest for those that leave the package or lead in circles."""
    hops, done, ahead = 0, "", path.split("/")
    while ahead:
        part = ahead.pop(0)
        done = posixpath.normpath(posixpath.join(done, part))
        if done == ".." or done.startswith("../"):
            raise refused(path, "is a link that leads out of the package", "link to files inside, or copy them")
        if done in links:
            target, hops = links[done], hops + 1
            if target.startswith("/") or "\0" in target or hops > MAX_HOPS:
                raise refused(path, "is a link that leads out of the package, or in circles", "link to files inside")
            done, ahead = posixpath.dirname(done), [*target.split("/"), *ahead]
        done = "" if done == "." else done
        ahead = [part for part in ahead if part]
    return done


def _ignored(path: str) -> bool:
    return any(_IGNORED.fullmatch(part) for part in path.split("/"))


def _without_top(files: Mapping[str, Entry]) -> dict[str, Entry]:
    """Take off the one folder that everything is in, which is what most archives have."""
    if "problem.yaml" in files:
        return dict(files)
    tops = {path.partition("/")[0] for path in files}
    top = tops.pop() if len(tops) == 1 else ""
    if f"{top}/problem.yaml" not in files:
        hint = "send the folder that problem.yaml is in, or what is in it"
        raise refused("problem.yaml", "is not in the package", hint)
    return {path.partition("/")[2]: replace(one, path=path.partition("/")[2]) for path, one in files.items()}
