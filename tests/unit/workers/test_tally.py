"""What processes of a worker tell the main process, whatever becomes of them."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from domain.languages import Languages
from domain.settings import TREE
from tests.forked import forked
from workers import tally
from workers.load import LoadMeter, language_names
from workers.tally import Counts, Layout, Tallies, Tally, standing

LAYOUT = Layout(["python", "java"])
HELD: list[AbstractContextManager[Callable[[bool], None]]] = []
"""What a process goes on with to its end."""


def hold_one(own: Tally) -> None:
    HELD.append(own.grading())
    HELD[-1].__enter__()


def in_child(folder: Path, does: Callable[[Tally], None]) -> int:
    """Have a process of its own count, which is then there until it is killed; gives its id."""
    ready, told = os.pipe()

    def count() -> None:
        does(Tally(folder, LAYOUT))
        os.write(told, b".")
        signal.pause()

    pid = forked(count)
    os.read(ready, 1)
    os.close(ready)
    os.close(told)
    return pid


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_what_a_process_counts_is_added_up(tmp_path: Path) -> None:
    tallies, own = Tallies(tmp_path, LAYOUT), Tally(tmp_path, LAYOUT)
    for failed in (False, True, False):
        with own.grading() as ends:
            ends(failed)
    with own.grading():
        pass  # given back
    own.ready({"python": 2, "plain": 1, "cobol": 7})

    recent = tallies.look()

    assert (recent.executions, recent.failures) == (3, 1)
    assert recent.ready == Counter(python=2, java=0, plain=1)
    assert tallies.look() == recent
    own.close()


def test_what_a_killed_process_held_is_a_failure(tmp_path: Path) -> None:
    tallies, child = Tallies(tmp_path, LAYOUT), in_child(tmp_path, hold_one)
    try:
        assert (tallies.look().executions, tallies.look().failures) == (0, 0)
    finally:
        end(child)

    recent = tallies.look()
    assert (recent.executions, recent.failures) == (1, 1)
    assert not list(tmp_path.iterdir())
    assert tallies.look().failures == 1


def test_a_worker_that_starts_finds_what_was_lost_with_the_one_before_and_no_more(tmp_path: Path) -> None:
    def graded_one_and_holds_one(own: Tally) -> None:
        with own.grading() as ends:
            ends(True)
        hold_one(own)

    end(in_child(tmp_path, graded_one_and_holds_one))

    recent = Tallies(tmp_path, LAYOUT).look()

    assert (recent.executions, recent.failures) == (1, 1)


def test_what_is_old_counts_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tallies, own = Tallies(tmp_path, LAYOUT), Tally(tmp_path, LAYOUT)
    with own.grading() as ends:
        ends(True)
    assert tallies.look().failures == 1

    monkeypatch.setattr(tally, "WINDOW_S", -1.0)

    assert tallies.look().failures == 0
    own.close()


def test_what_another_release_wrote_counts_as_nothing() -> None:
    assert LAYOUT.unpack(b"of another length") == (Counts(), Counter())


def test_jails_that_stand_ready_are_named_by_language() -> None:
    languages = list(Languages.load(TREE / "jail-configs" / "languages").known.values())
    sizes = {
        ("python", "ready"): 2,
        ("python", "making"): 1,
        ("java", "ready"): 1,
        ("node", "ready"): 1,
        ("nothing", "ready"): 3,
        ("series", "ready"): 5,
    }

    assert standing(sizes, language_names(languages)) == Counter(python=2, java=1, javascript=1, plain=3)


def test_the_load_of_this_host_is_measured(tmp_path: Path) -> None:
    tallies, own = Tallies(tmp_path, LAYOUT), Tally(tmp_path, LAYOUT)
    with own.grading() as ends:
        ends(False)
    own.ready({"java": 1})

    load = LoadMeter(tmp_path, tallies, lambda: 3).measure()

    assert (load.slots_busy, load.executions, load.failures) == (3, 1, 0)
    assert load.ready == {"java": 1}
    assert load.memory_available_bytes
    assert load.disk_free_bytes
    assert 0 <= load.cpu_percent <= 100
    own.close()
