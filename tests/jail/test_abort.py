import threading
from collections.abc import Callable

import pytest

from sandbox import Command, RunAborted, Sandbox
from tests.jail.running import PYTHON, Ask, answer, limits

PAUSE = "import signal; print('up', flush=True); signal.pause()"


def test_a_running_program_is_ended(abortable: tuple[Sandbox, Callable[[], None]]) -> None:
    sandbox, abort = abortable
    timer = threading.Timer(0.2, abort)
    timer.start()
    with pytest.raises(RunAborted):
        answer(sandbox, Ask(Command((PYTHON, "-c", PAUSE), "python"), limits(wall_time_ms=60_000)))
    timer.join()


def test_a_run_after_the_abort_does_not_begin(abortable: tuple[Sandbox, Callable[[], None]]) -> None:
    sandbox, abort = abortable
    abort()
    for _ in range(2):  # the descriptor stays readable, and counts every time
        with pytest.raises(RunAborted):
            answer(sandbox, Ask(Command((PYTHON, "-c", PAUSE), "python"), limits(wall_time_ms=60_000)))


def test_a_run_that_nobody_aborts_is_not_ended(abortable: tuple[Sandbox, Callable[[], None]]) -> None:
    sandbox, _ = abortable
    assert answer(sandbox, Ask(Command((PYTHON, "-c", "print(1)"), "python"), limits())).result.stdout == b"1\n"
