"""The test cases of one execution, shared out among those who run some of them at the same moment.

Whatever order they end in, what is told is what one who ran them one after the other would have found: results in
order, an error of ours in the place where it was met, and nothing after a failure where the rest is not wanted, of the
whole or of a test group (`domain/skipping`).
"""

import bisect
import threading
from collections.abc import Mapping, Sequence

from domain.judging import TestGroup
from domain.model import TestCase, TestResult
from domain.skipping import Skipping
from sandbox import SandboxError
from workers.run import skipped

AHEAD_BYTES = 16 * 1024 * 1024
"""Outputs of later test cases that are kept in memory while an earlier one runs; then nobody runs further ahead."""
MOST_DOUBTS = 4
"""After so many TLEs that may have been our own doing, test cases are run one after the other."""


class Work:
    """What is left and what was found, by index. Every method is called, and every field read, with `changed` held."""

    def __init__(
        self,
        cases: Sequence[TestCase],
        *,
        stop_on_first_failure: bool,
        groups: Sequence[TestGroup] = (),
        known: Mapping[int, TestResult] | None = None,
    ) -> None:
        """`known` results, by index, are not to be found any more."""
        self.cases = cases
        self.changed = threading.Condition()
        self.failure: BaseException | None = None
        self._closed = False
        self._skipping = Skipping(groups, cases, stop_on_first_failure=stop_on_first_failure)
        self._failed: set[int] = set()
        self._errors: set[int] = set()
        """Those that failed, and those where we did, as far as either can leave others out."""
        self._left_out: set[int] = set()
        self._left = [index for index in range(len(cases)) if index not in (known or {})]
        self._again: dict[int, TestResult] = {}
        self._in_doubt: set[int] = set()
        self.doubted: set[int] = set()
        """Whose result ever was in doubt."""
        self._found: dict[int, TestResult | SandboxError] = {}
        self._held_bytes = 0
        with self.changed:
            for index, result in sorted((known or {}).items()):
                self.settle(index, result)

    def wants(self, index: int) -> bool:
        """Whether this result may be asked for, by what is known so far.

        What is not wanted may be again: what left it out is itself left out when an earlier failure comes to be known.
        """
        return not self._closed and index not in self._left_out

    def left(self) -> Sequence[TestCase]:
        """Give the test cases that nobody has taken and somebody may have to run."""
        return [self.cases[index] for index in self._left if self.wants(index)]

    def any_left(self) -> bool:
        """Whether there are test cases left to take. A hint, and so the one method without `changed` held."""
        return any(map(self.wants, tuple(self._left)))

    def may_share(self) -> bool:
        """Whether there is something to do for one more."""
        doubted = any(map(self.wants, self._in_doubt)) or len(self.doubted) >= MOST_DOUBTS
        return not doubted and self._held_bytes <= AHEAD_BYTES and self._next() is not None

    def take(self, needed: int | None = None) -> int | None:
        """Take the first that nobody has, if it is `needed` or there is room for one more result; None: there is none.

        What was taken is settled, doubted or put back by whoever took it.
        """
        index = self._next()
        if index is None or (self._held_bytes > AHEAD_BYTES and index != needed):
            return None
        self._left.remove(index)
        return index

    def take_doubted(self) -> tuple[int, TestResult] | None:
        """Take the first whose result is in doubt, with that result; to be run while nobody else runs one."""
        index = min(filter(self.wants, self._again), default=None)
        return None if index is None else (index, self._again.pop(index))

    def put_back(self, index: int, first: TestResult | None = None) -> None:
        """Leave what was taken to somebody else; `first` is the result that is in doubt, if there is one."""
        if first is None:
            bisect.insort(self._left, index)
        else:
            self._again[index] = first
        self.changed.notify_all()

    def doubt(self, index: int, result: TestResult) -> None:
        """Note a result that only a run without neighbours of ours can confirm."""
        self.doubted.add(index)
        self._in_doubt.add(index)
        self.put_back(index, result)

    def settle(self, index: int, found: TestResult | SandboxError) -> None:
        """Note what became of a test case; after an error of ours nothing later is wanted either."""
        self._in_doubt.discard(index)
        if self._closed:
            return
        self._found[index] = found
        self._held_bytes += _size(found)
        if isinstance(found, SandboxError):
            self._errors.add(index)
            self._leave_out()
        elif not _passed(found) and self._skipping.decides(index):
            self._failed.add(index)
            self._leave_out()
        self.changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """End it all: nothing more is taken, and whoever asks for a result gets the first error instead."""
        self.failure = self.failure or error
        self.close()

    def close(self) -> None:
        """Want nothing any more."""
        self._closed = True
        self.changed.notify_all()

    def result(self, index: int) -> TestResult | None:
        """Give a result, once; None where it is not known yet. Raises what the work failed with."""
        if self.failure is not None:
            raise self.failure
        found = self._found.pop(index, None)
        if found is not None:
            self._held_bytes -= _size(found)
        if index in self._left_out:
            return self._skip(index)
        if isinstance(found, SandboxError):
            raise found
        return found

    def _skip(self, index: int) -> TestResult:
        """Nobody comes back to it: all before it is told by now."""
        if index in self._left:
            self._left.remove(index)
        return skipped(self.cases[index])

    def _next(self) -> int | None:
        return next(filter(self.wants, self._left), None)

    def _leave_out(self) -> None:
        self._left_out = self._skipping.left_out(self._failed | self._errors, self._errors)


def _passed(result: TestResult) -> bool:
    return result.verdict is not None and result.verdict.passed


def _size(found: TestResult | SandboxError) -> int:
    return 0 if isinstance(found, SandboxError) else len(found.stdout) + len(found.stderr)
