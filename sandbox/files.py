"""Files of a box, reached through its descriptor only: nothing here follows a link or leaves the folder.

Once untrusted code ran, a name in a box may mean anything. openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS
(Linux 5.6) resolves a whole path in the kernel under those rules; what was opened is then looked at by fstat.
"""

import ctypes
import errno
import fnmatch
import itertools
import os
import stat
import struct
from collections.abc import Iterable, Iterator, Sequence

_SYS_OPENAT2 = 437  # the same number on every architecture
_RESOLVE = 0x02 | 0x04 | 0x08  # NO_MAGICLINKS | NO_SYMLINKS | BENEATH
_NOT_THERE = {
    *(errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV, errno.ENXIO, errno.ENODEV),
    *(errno.EACCES, errno.ENAMETOOLONG),
}
"""What opening says of a file that is missing, is a link, is a device or socket, or is closed to us."""
MOST_ENTRIES = 100_000
"""Of a box are looked at: more than any program of ours makes, and a second of work."""
DEEPEST = 32
_HOW = struct.Struct("=QQQ")
_libc = ctypes.CDLL(None, use_errno=True)


def open_beneath(folder: int, path: str, flags: int, mode: int = 0) -> int:
    """Open `path` below the descriptor `folder`. Raises OSError (ELOOP for a link, EXDEV for a way out)."""
    how = _HOW.pack(flags | os.O_CLOEXEC | os.O_NOCTTY, mode, _RESOLVE)
    descriptor: int = _libc.syscall(_SYS_OPENAT2, folder, os.fsencode(path), how, len(how))
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return descriptor


def make_folders(folder: int, path: str) -> None:
    """Make the folders that `path` lies in."""
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        parent = open_beneath(folder, "/".join(parts[: depth - 1]) or ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.mkdir(parts[depth - 1], 0o755, dir_fd=parent)
        except FileExistsError:
            continue
        finally:
            os.close(parent)


def write(folder: int, path: str, content: bytes, mode: int) -> None:
    """Write a new file; what was there is never opened (O_EXCL). Raises OSError: ENOSPC where it does not fit."""
    make_folders(folder, path)
    descriptor = open_beneath(folder, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)


def remove(folder: int, path: str) -> None:
    """Remove a file and the folders above it, which hold nothing else. Only for a box that no program has seen."""
    os.unlink(path, dir_fd=folder)
    parts = path.split("/")[:-1]
    for depth in range(len(parts), 0, -1):
        os.rmdir("/".join(parts[:depth]), dir_fd=folder)


def read(folder: int, path: str, at_most: int) -> tuple[bytes, bool] | None:
    """Read up to `at_most` bytes of a regular file, and whether there was more; None where there is no such file."""
    try:
        descriptor = open_beneath(folder, path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(at_most + 1)
    finally:
        os.close(descriptor)
    return content[:at_most], len(content) > at_most


class Walk:
    """The paths of the regular files below a folder, in name order; other kinds and names not in UTF-8 are left out.

    A program may have left more files and deeper folders than anybody wants to look at: it ends after `most` entries
    of any kind, and goes `deepest` folders down. `cut` says, when it is over, whether there was more than that.
    """

    def __init__(self, folder: int, *, most: int = MOST_ENTRIES, deepest: int = DEEPEST) -> None:
        self.cut = False
        self._folder = folder
        self._left = most
        self._deepest = deepest

    def __iter__(self) -> Iterator[str]:
        return self._below(self._folder, "", self._deepest)

    def _below(self, folder: int, prefix: str, depth: int) -> Iterator[str]:
        for entry in self._entries(folder):
            path = f"{prefix}{entry.name}"
            if not _is_text(entry.name):
                continue
            if entry.is_file(follow_symlinks=False):
                yield path
            elif entry.is_dir(follow_symlinks=False):
                yield from self._into(folder, entry.name, path, depth)

    def _entries(self, folder: int) -> list["os.DirEntry[str]"]:
        """Read a folder, no more of it than what may still be looked at: its size is the program's choice."""
        with os.scandir(folder) as found:
            entries = list(itertools.islice(found, self._left))
            self.cut = self.cut or next(found, None) is not None
        self._left -= len(entries)
        return sorted(entries, key=lambda entry: entry.name)

    def _into(self, folder: int, name: str, path: str, depth: int) -> Iterator[str]:
        if depth == 0:
            self.cut = True
            return
        try:
            below = open_beneath(folder, name, os.O_RDONLY | os.O_DIRECTORY)
        except PermissionError:  # without root, a folder that its owner closed
            return
        try:
            yield from self._below(below, f"{path}/", depth - 1)
        finally:
            os.close(below)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def matches(path: str, pattern: str) -> bool:
    """Tell whether a glob means this path: `*` and `?` stay within one name, `**` stands for any folders."""
    return _match(path.split("/"), pattern.split("/"))


def _match(names: Sequence[str], patterns: Sequence[str]) -> bool:
    """Walk all ways at once: one after the other, the ways of several `**` through a deep path never end."""
    reached = _skipping({0}, patterns)
    for name in names:
        stepped = {after for at in reached for after in _steps(name, at, patterns)}
        reached = _skipping(stepped, patterns)
    return len(patterns) in reached


def _steps(name: str, at: int, patterns: Sequence[str]) -> Iterator[int]:
    """Where one name leads from a place in the pattern: `**` may take the next name as well, or be done."""
    if at == len(patterns):
        return
    if patterns[at] == "**":
        yield from (at, at + 1)
    elif fnmatch.fnmatchcase(name, patterns[at]):
        yield at + 1


def _skipping(places: Iterable[int], patterns: Sequence[str]) -> set[int]:
    """Add the places behind a `**` that takes no name at all; the last one takes one at least."""
    found = set(places)
    for at in range(len(patterns) - 1):
        if at in found and patterns[at] == "**":
            found.add(at + 1)
    return found
