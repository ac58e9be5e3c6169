"""A gate: the file of a box that a program opens first, empty, and who opens it held in the kernel until it is let in.

So any runtime can be started before its program is there, with no hook inside of it: it comes up by itself, opens the
file that it is to run, and stays in that open(2), a permission event of fanotify(7) that nobody has answered. Then the
file is written, in place, and the event answered. Nothing of this is in the process, or left in its jail. Where the
keeper ends before it has answered, the kernel lets the open go on: with an empty file, in a jail that ends with its
keeper. Root only, and a kernel with permission events.
"""

import contextlib
import ctypes
import os
import posixpath
import struct
from collections.abc import Sequence
from functools import cache

from sandbox import files
from sandbox.box import Box, acting_as
from sandbox.readable import readable
from sandbox.result import SandboxError

_CLOEXEC = 0x1
_NONBLOCK = 0x2
_CLASS_CONTENT = 0x4
_MARK_ADD = 0x1
_MARK_FLUSH = 0x80
_OPEN_PERM = 0x1_0000
_ALLOW = 0x1
# struct fanotify_event_metadata: length, version, reserved, its own length, mask, descriptor, process
_EVENT = struct.Struct("=IBBHQii")
_ANSWER = struct.Struct("=iI")
_READ_BYTES = 4096
_libc = ctypes.CDLL(None, use_errno=True)
_mark = _libc.fanotify_mark
_mark.argtypes = (ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p)


class Gate:
    """Stands before one new file of a box that no program has been in.

    Nobody but the program may open that file by its name until the gate is open: who does, waits too.
    """

    def __init__(self, box: Box, path: str) -> None:
        """Make the empty file, and hold who opens it. Raises OSError."""
        self.path = posixpath.normpath(path)
        self.filled = False
        with acting_as(box.owner):
            files.make_folders(box.folder, path)
            self._file = files.open_beneath(box.folder, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._held: list[int] = []
        """Descriptors by which the events are answered."""
        try:
            os.fchmod(self._file, 0o644)
            self._group = _group(self._file)
        except BaseException:
            os.close(self._file)
            raise

    def wait(self, pid: int, ends: Sequence[int], patience_s: float) -> None:
        """Wait until process `pid` is held, and nobody else.

        Raises SandboxError where it is not after `patience_s`, or one of the descriptors `ends` becomes readable first.
        """
        if self._group not in readable([self._group, *ends], patience_s):
            raise SandboxError(f"nobody came to open {self.path}")
        found = self._events()
        if found != [pid]:
            raise SandboxError(f"processes {found} opened {self.path}, not {pid} alone")

    def fill(self, content: bytes, mode: int) -> None:
        """Write the file, once: what was held reads this. Raises OSError: EEXIST, and ENOSPC where it does not fit."""
        if self.filled:
            raise FileExistsError(self.path)
        with os.fdopen(self._file, "wb") as file:
            self.filled = True
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)

    def open(self) -> None:
        """Let in who is held. From here on the file is like any other."""
        _called(_mark(self._group, _MARK_FLUSH, 0, -1, None))  # first, or it could be held again
        for descriptor in self._held:
            with contextlib.suppress(FileNotFoundError):  # killed meanwhile
                os.write(self._group, _ANSWER.pack(descriptor, _ALLOW))

    def close(self) -> None:
        """Give back what it took; who is held still is let in by that."""
        if not self.filled:
            os.close(self._file)
        for descriptor in self._held:
            os.close(descriptor)
        os.close(self._group)

    def _events(self) -> list[int]:
        """Take the events that there are; gives whose they are."""
        data, pids = os.read(self._group, _READ_BYTES), []
        while data:
            length, _, _, _, _, descriptor, pid = _EVENT.unpack_from(data)
            self._held.append(descriptor)
            pids.append(pid)
            data = data[length:]
        return pids


class GatedBox(Box):
    """A box of which one file is behind a gate."""

    def __init__(self, box: Box, gate: Gate) -> None:
        """Take the place of `box`, with its descriptor."""
        super().__init__(box.folder, box.owner)
        self.gate = gate

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """See Box."""
        if posixpath.normpath(path) == self.gate.path:
            self.gate.fill(content, mode)
        else:
            super().write(path, content, mode)


@cache
def able() -> bool:
    """Whether this process can hold anybody: tried once, for neither a version nor a capability says so for sure."""
    file = os.memfd_create("gate", os.MFD_CLOEXEC)
    try:
        os.close(_group(file))
    except OSError:
        return False
    finally:
        os.close(file)
    return True


def _group(file: int) -> int:
    """Make what tells of openings of one file, and lets none of them go on by itself."""
    flags = _CLASS_CONTENT | _CLOEXEC | _NONBLOCK
    group: int = _called(_libc.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC))
    try:
        _called(_mark(group, _MARK_ADD, _OPEN_PERM, file, None))
    except BaseException:
        os.close(group)
        raise
    return group


def _called(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
