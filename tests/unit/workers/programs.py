"""Programs of several test cases that run at the same time in a fake sandbox, and wait for each other."""

import select
import threading
from collections.abc import Callable

from domain.model import TestCase
from domain.verdict import Verdict
from sandbox import RunAborted, RunResult
from sandbox.fake import SPENT, FakeJail
from tests.unit.workers.ledger import Ledger

PATIENCE_S = 30
"""What does not come by then will not."""
CASES = tuple(TestCase(number, str(number), stdin=str(number).encode(), points=1) for number in range(6))


class Programs:
    """What programs do, by the number of their test case; notes who began and ended, and where."""

    def __init__(self, *, endless: int | None = None, **by_number: Callable[[FakeJail], RunResult]) -> None:
        self.by_number = {int(name.removeprefix("case")): program for name, program in by_number.items()}
        if endless is not None:
            self.by_number[endless] = self.until_cancelled
        self.began: dict[int, list[int]] = {}
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.changed = threading.Condition()

    def __call__(self, jail: FakeJail) -> RunResult:
        number = int(jail.command.stdin)
        with self.changed:
            self.began.setdefault(number, []).append(jail.slot.numbers[0])
            self.changed.notify_all()
        program = self.by_number.get(number)
        result = program(jail) if program else SPENT
        with self.changed:
            self.ended.append(number)
            self.changed.notify_all()
        return result

    def until_cancelled(self, jail: FakeJail) -> RunResult:
        """Run until nobody wants it any more."""
        assert jail.cancel is not None
        if select.select([jail.cancel], [], [], PATIENCE_S)[0]:
            with self.changed:
                self.cancelled.append(int(jail.command.stdin))
                self.changed.notify_all()
        raise RunAborted("told to stop")

    def after(self, condition: Callable[[], bool], result: RunResult = SPENT) -> RunResult:
        """Run until something is so, and end like this."""
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE_S)
        return result


def verdicts(ledger: Ledger) -> list[tuple[int, Verdict | None]]:
    return [(found.ordinal, found.verdict) for found in ledger.results]
