import os
import threading
from collections.abc import Callable
from functools import partial

import pytest

from sandbox import Command, RunAborted, Sandbox, Slot
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


def test_one_run_is_ended_and_others_are_not(sandbox: Sandbox) -> None:
    event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    pause, usual = Command((PYTHON, "-c", PAUSE), "python"), limits(wall_time_ms=60_000)
    timer = threading.Timer(0.2, partial(os.eventfd_write, event, 1))
    try:
        timer.start()
        with sandbox.slot() as slot:
            with sandbox.jail(slot, usual, 1 << 20) as jail, pytest.raises(RunAborted):
                jail.run(pause, usual, cancel=event)
            with sandbox.jail(slot, usual, 1 << 20) as jail:
                assert jail.run(Command((PYTHON, "-c", "print(1)"), "python"), usual).stdout == b"1\n"
        timer.join()
    finally:
        os.close(event)


def test_runs_in_two_slots_of_one_process_keep_to_their_cpus(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told apart by threads alone: descriptors, uids, control groups, counters."""
    monkeypatch.setattr("sandbox.slots.IDLE_S", 0.0)
    tell = "import os; print(sorted(os.sched_getaffinity(0)), flush=True); input()"
    answers: dict[str, tuple[bytes, tuple[int, ...]]] = {}
    standing = threading.Barrier(2)

    def run(slot: Slot) -> None:
        with sandbox.jail(slot, limits(), 1 << 20) as jail:
            standing.wait(30)
            jail.box.write("main.py", tell.encode())
            result = jail.run(Command((PYTHON, "-B", "main.py"), "python", stdin=b"\n"), limits())
            answers[slot.name] = result.stdout, slot.cpus
        assert result.exit_code == 0, result

    with sandbox.slot() as own, sandbox.spare_slot() as spare:
        assert spare is not None
        thread = threading.Thread(target=run, args=(spare,))
        thread.start()
        run(own)
        thread.join()
        assert sandbox.others_busy(own)
    assert len(answers) == 2
    for stdout, cpus in answers.values():
        assert stdout == f"{sorted(cpus)}\n".encode()
