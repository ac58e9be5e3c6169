"""Memory and disk of a host as locks on ranges of one file: never more than there is, free when their holder is."""

import itertools
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.ledger import Lacks, Ledger, Share
from sandbox.room import Capacity

HAVE = """
import sys
from pathlib import Path
from sandbox.ledger import Ledger
from sandbox.room import Capacity

share = Ledger(Path(sys.argv[1]), Capacity(100, 50)).open()
print(share.memory.take(int(sys.argv[2])), share.disk.take(int(sys.argv[3])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path, Capacity(100, 50))


def test_what_one_has_no_other_can_have(ledger: Ledger) -> None:
    with closing(ledger.open()) as first, closing(ledger.open()) as second:
        assert first.memory.take(60)
        assert not second.memory.take(41)
        assert second.memory.take(40)
        assert ledger.free() == Capacity(0, 50)
        assert second.disk.take(50)
        assert not first.disk.take(1)
    assert ledger.free() == Capacity(100, 50)


def test_where_it_is_free_is_found_in_pieces(ledger: Ledger) -> None:
    with closing(ledger.open()) as left, closing(ledger.open()) as right, closing(ledger.open()) as all_the_rest:
        assert left.memory.take(10, 20)
        assert right.memory.take(10, 50)
        assert all_the_rest.memory.take(80, 45)
        assert sorted(all_the_rest.memory.had) == [(0, 20), (30, 50), (60, 100)]


def test_too_little_is_not_kept(ledger: Ledger) -> None:
    with closing(ledger.open()) as first, closing(ledger.open()) as second:
        assert first.memory.take(30, 10)
        assert not second.memory.take(71)
        assert second.memory.size == 0
        assert ledger.free().memory_bytes == 70


def test_who_gathers_keeps_what_there_is(ledger: Ledger) -> None:
    with closing(ledger.open()) as first, closing(ledger.open()) as second:
        assert first.memory.take(30, 10)
        second.memory.gather(90)
        assert second.memory.size == 70
        first.memory.keep(5)
        second.memory.gather(90)
        assert second.memory.size == 90
        second.memory.keep(0)
        assert ledger.free().memory_bytes == 95


def test_what_somebody_has_who_was_told_of_more_counts(tmp_path: Path) -> None:
    """As after a restart with less: those of before may still be at work."""
    before, now = Ledger(tmp_path, Capacity(200, 0)), Ledger(tmp_path, Capacity(100, 0))
    with closing(before.open()) as old, closing(now.open()) as new:
        assert old.memory.take(70, 130)
        assert not new.memory.take(31)
        new.memory.gather(31)
        assert new.memory.size == 30


def test_what_a_killed_process_had_is_free(ledger: Ledger) -> None:
    argv = [sys.executable, "-c", HAVE, str(ledger.path.parent), "80", "50"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().split() == ["True", "True"]
        assert ledger.free() == Capacity(20, 0)
        other.kill()
        other.wait()
        assert ledger.free() == Capacity(100, 50)


def test_one_is_at_the_door_and_says_what_it_lacks(ledger: Ledger) -> None:
    with closing(ledger.open()) as first, closing(ledger.open()) as second:
        assert first.take_door()
        first.say_lacks(Lacks(2, 10, 0))
        assert not second.take_door()
        assert second.kept() == Lacks(2, 10, 0)
        assert not first.kept()
        first.leave_door()
        assert not second.kept()
        assert second.take_door()


def test_the_line_is_in_the_order_of_coming(ledger: Ledger) -> None:
    with ExitStack() as held:
        waiting = [held.enter_context(closing(ledger.open())) for _ in range(3)]
        for share in waiting:
            share.join_line()
        assert [share.is_first for share in waiting] == [True, False, False]
        waiting[0].leave_line()
        assert [share.is_first for share in waiting[1:]] == [True, False]
        late = held.enter_context(closing(ledger.open()))
        late.join_line()
        assert late.place > waiting[2].place


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["take", "gather", "keep", "close"]), st.integers(0, 120)),
        max_size=40,
    )
)
def test_whatever_happens_nothing_is_had_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, int]]
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger"), Capacity(100, 50))
    shares = [ledger.open() for _ in range(6)]
    for who, what, amount in steps:
        shares[who] = _did(ledger, shares[who], what, amount)
        had = sorted(piece for share in shares for piece in share.memory.had)
        assert all(low < high for low, high in had)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(had))
        assert sum(high - low for low, high in had) == 100 - ledger.free().memory_bytes
        assert all(0 <= low < high <= 100 for low, high in had)
    for share in shares:
        share.close()


def _did(ledger: Ledger, share: Share, what: str, amount: int) -> Share:
    before, free = share.memory.size, share.memory.free()
    match what:
        case "take":
            assert share.memory.take(amount, amount * 7 % 100) is (amount - before <= free)
        case "gather":
            share.memory.gather(amount)
            assert share.memory.size == max(before, min(amount, before + free))
        case "keep":
            share.memory.keep(amount)
            assert share.memory.size == min(before, amount)
        case _:
            share.close()
            return ledger.open()
    return share
