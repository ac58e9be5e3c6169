"""Whoever talks with a program in a jail: hears what it writes, and types when it has answered."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Talk:
    """Types the next of `lines` whenever the program has written a line, and then the end of input.

    The first is typed when it has said that it is there. The listener is called by the keeper, which a test may use.
    """

    lines: Sequence[bytes] = ()
    heard: dict[str, bytearray] = field(default_factory=lambda: {"stdout": bytearray(), "stderr": bytearray()})
    pieces: int = 0
    stdin: int | None = None
    answered: int = 0

    def listen(self, name: str, offset: int, data: bytes) -> bool:
        """Hear what comes next; see `sandbox.Listener`."""
        assert offset == len(self.heard[name])
        self.heard[name] += data
        self.pieces += 1
        while self.stdin is not None and self.answered < self.heard["stdout"].count(b"\n"):
            self._type()
        return True

    def take(self, descriptor: int) -> None:
        """Have the program's stdin; see `sandbox.Taker`."""
        self.stdin = descriptor

    def close(self) -> None:
        """End the input."""
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None

    def _type(self) -> None:
        assert self.stdin is not None
        if self.answered == len(self.lines):
            self.close()
            return
        with contextlib.suppress(BrokenPipeError):  # it has closed its end
            assert os.write(self.stdin, self.lines[self.answered]) == len(self.lines[self.answered])
        self.answered += 1


def conversation(lines: Sequence[bytes]) -> bytes:
    """What a program writes that answers each line at once."""
    return b"?\n" + b"".join(b"got " + line for line in lines)
