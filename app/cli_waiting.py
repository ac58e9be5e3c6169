"""Wait until nothing is left of something, with a bar that says how much is over."""

import time
from collections.abc import Callable

from app.cli_exits import Late

ASK_S = 0.5


def until_none(left: Callable[[], int], deadline: float | None, late: Callable[[int], str]) -> None:
    """Ask what is left until nothing is. Raises Late, with what `late` says of what is left, after the deadline."""
    from client import progress  # noqa: PLC0415 - it takes a tenth of a second, for which others need not wait

    before = left()
    with progress.bar(before, "drained") as over:
        while before:
            if deadline is not None and time.monotonic() > deadline:
                raise Late(late(before))
            time.sleep(ASK_S)
            now = left()
            over(before - now)
            before = now
