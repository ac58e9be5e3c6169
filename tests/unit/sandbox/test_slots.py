import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from sandbox import slots
from sandbox.ledger import _LINE
from sandbox.result import RunAborted, SandboxError
from sandbox.room import Room
from sandbox.sampled import SampledHierarchy
from sandbox.slots import UID_BASE, UIDS_PER_INSTANCE, UIDS_PER_SLOT, Slot, Slots
from tests.descriptors import open_descriptors

LITTLE = Room(1)
HOLD = """
import sys
from pathlib import Path
from sandbox import door
from sandbox.sampled import SampledHierarchy
from sandbox.slots import Slots

door.PATIENCE_S = 0.0

with Slots(Path(sys.argv[1]), "t", SampledHierarchy(), int(sys.argv[2])).acquire(int(sys.argv[3])) as slot:
    print(*slot.numbers, flush=True)
    sys.stdin.read()
"""


class Holder:
    """Another process that holds slots until it is told, or killed."""

    def __init__(self, folder: Path, count: int, wanted: int) -> None:
        argv = [sys.executable, "-c", HOLD, str(folder), str(count), str(wanted)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def numbers(self) -> list[int]:
        """Wait until it holds them."""
        assert self.process.stdout is not None
        return [int(number) for number in self.process.stdout.readline().split()]

    def end(self, *, kill: bool = False) -> None:
        """Let it go."""
        if kill:
            self.process.kill()
        self.process.communicate()


class Noting(SampledHierarchy):
    """Notes what is prepared."""

    def __init__(self) -> None:
        self.prepared: list[tuple[str, tuple[int, ...]]] = []

    def prepare_slot(self, slot: str, cpus: Sequence[int]) -> None:
        self.prepared.append((slot, tuple(cpus)))


def of(folder: Path, count: int | None = 2, instance: str = "t") -> Slots:
    return Slots(folder / "slots", instance, SampledHierarchy(), count)


def age(made: Slots) -> None:
    """Have it be a while since anybody had a slot."""
    for lock in made.folder.glob("[0-9]*.lock"):
        os.utime(lock, (0, 0))


def test_a_slot_has_uids_and_a_cpu_of_its_own(tmp_path: Path) -> None:
    made = of(tmp_path)
    with made.acquire() as first, made.acquire() as second:
        assert (first.numbers, second.numbers) == ((0,), (1,))
        assert (first.name, second.name) == ("0", "1")
        assert len(first.cpus) == len(second.cpus) == 1
        if os.geteuid() == 0:
            assert len({first.init_uid, first.program_uid, second.init_uid, second.program_uid}) == 4
        else:
            assert (first.init_uid, first.program_uid) == (None, os.geteuid())


def test_its_group_is_prepared_before_it_is_used(tmp_path: Path) -> None:
    noting = Noting()
    with Slots(tmp_path, "t", noting, 1).acquire() as slot:
        assert noting.prepared == [("0", slot.cpus)]


def test_all_groups_of_a_large_jail_are_prepared_its_own_last(tmp_path: Path) -> None:
    noting = Noting()
    with Slots(tmp_path, "t", noting, 2).acquire(2) as slot:
        assert noting.prepared == [("1", slot.cpus), ("0", slot.cpus)]


def test_a_slot_that_cannot_be_prepared_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = of(tmp_path, 1)

    def fail(*_: object) -> None:
        raise SandboxError("no such group")

    with monkeypatch.context() as patched:
        patched.setattr(SampledHierarchy, "prepare_slot", fail)
        with pytest.raises(SandboxError, match="no such group"), made.acquire():
            pass
    with made.acquire() as slot:
        assert slot.numbers == (0,)


def test_uids_differ_between_instances_and_are_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.slots.os.geteuid", lambda: 0)
    uids = set()
    for instance in ("a", "b", "shipd", "x" * 32):
        with of(tmp_path / instance, 2, instance).acquire(2) as slot:
            assert slot.init_uid is not None
            assert UID_BASE <= slot.init_uid < slot.program_uid < UID_BASE + 0x10000 * UIDS_PER_INSTANCE < 2**31
            uids.add(slot.init_uid)
    assert len(uids) == 4


def test_there_are_as_many_as_cpus_by_default(tmp_path: Path) -> None:
    assert of(tmp_path, None).count == len(os.sched_getaffinity(0))


def test_a_large_one_has_several(tmp_path: Path) -> None:
    made = of(tmp_path, 3)
    with made.acquire(2) as large, made.acquire() as small:
        assert (large.numbers, large.name, small.numbers) == ((0, 1), "0", (2,))
        assert len(large.cpus) == min(2, len(made.cpus))


def test_more_than_there_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="a jail of 3 CPUs does not fit a host of 2 slots"), of(tmp_path).acquire(3):
        pass


def test_another_process_has_another_slot(tmp_path: Path) -> None:
    made = of(tmp_path)
    other = Holder(made.folder, 2, 1)
    assert other.numbers() == [0]
    with made.acquire() as slot:
        assert slot.numbers == (1,)
        assert made.others_busy(slot)
    other.end()


@pytest.mark.parametrize("kill", [False, True])
def test_a_slot_is_free_when_its_holder_has_ended_however_it_ended(tmp_path: Path, *, kill: bool) -> None:
    made = of(tmp_path, 1)
    other = Holder(made.folder, 1, 1)
    assert other.numbers() == [0]
    waiting = Holder(made.folder, 1, 1)
    other.end(kill=kill)
    assert waiting.numbers() == [0]
    waiting.end(kill=kill)
    with made.acquire() as slot:
        assert slot.numbers == (0,)


def test_who_waits_in_line_is_not_overtaken(tmp_path: Path) -> None:
    made = of(tmp_path)
    with made.acquire(2):
        first = Holder(made.folder, 2, 1)
        while not made.wanted():
            assert first.process.poll() is None
        second = Holder(made.folder, 2, 1)
        third = made.ledger.open()
        while waiting(made) < 2:
            assert second.process.poll() is None
        third.join_line()
        behind = third.is_first
    assert sorted([*first.numbers(), *second.numbers()]) == [0, 1]
    assert (behind, third.is_first) == (False, True)
    third.close()
    first.end()
    second.end()


def waiting(made: Slots) -> int:
    """How many are in line."""
    with contextlib.closing(made.ledger.open()) as last:
        last.join_line()
        return last.place - _LINE


def test_what_becomes_free_is_kept_for_a_large_one(tmp_path: Path) -> None:
    """Once its patience is over: a small one that comes later waits, though it would fit."""
    made = of(tmp_path)
    with made.acquire() as own:
        large = Holder(made.folder, 2, 2)
        while not (made.someone_at_the_door() and made.others_busy(own)):  # it has taken the other one by now
            assert large.process.poll() is None
        small = Holder(made.folder, 2, 1)
        while waiting(made) < 1:
            assert small.process.poll() is None
    assert large.numbers() == [0, 1]
    large.end()
    assert small.numbers() in ([0], [1])  # whichever it sees free first
    small.end()


def test_whoever_is_killed_while_gathering_holds_up_nobody(tmp_path: Path) -> None:
    made = of(tmp_path)
    with made.acquire() as held:
        large = Holder(made.folder, 2, 2)
        while not (made.someone_at_the_door() and made.others_busy(held)):  # it has taken the other one by now
            assert large.process.poll() is None
        large.end(kill=True)
        with made.acquire() as slot:
            assert slot.numbers == (1,)


def test_two_threads_never_have_the_same(tmp_path: Path) -> None:
    made = of(tmp_path)
    together: list[int] = []
    most = [0]

    def work() -> None:
        for _ in range(20):
            with made.acquire() as slot:
                assert slot.name not in map(str, together)
                together.append(slot.numbers[0])
                most[0] = max(most[0], len(together))
                together.remove(slot.numbers[0])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 2


def test_nobody_else_is_busy_alone(tmp_path: Path) -> None:
    made = of(tmp_path)
    with made.acquire() as slot:
        assert not made.others_busy(slot)
    with made.acquire(2) as both:
        assert not made.others_busy(both)


@pytest.mark.parametrize("wanted", [1, 2])
def test_waiting_that_is_interrupted_lets_everything_go(tmp_path: Path, wanted: int) -> None:
    made = of(tmp_path)
    before = open_descriptors()
    cancel = os.eventfd(1, os.EFD_CLOEXEC)
    with made.acquire(), made.acquire(), pytest.raises(RunAborted), made.acquire(wanted, cancel=cancel):
        pass
    os.close(cancel)
    assert not made.wanted()
    assert open_descriptors() <= before
    with made.acquire(2) as both:
        assert both.numbers == (0, 1)


def test_what_is_free_can_be_borrowed(tmp_path: Path) -> None:
    made = of(tmp_path)
    with made.acquire() as own, made.borrow() as spare:
        assert spare is not None
        assert (own.numbers, spare.numbers, spare.name) == ((0,), (1,), "1")
        with made.borrow() as nothing:
            assert nothing is None
    age(made)
    with made.borrow() as again:
        assert again is not None


def test_what_somebody_has_just_had_is_not_borrowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "IDLE_S", 60)
    made = of(tmp_path, 1)
    with made.acquire():
        pass
    with made.borrow() as nothing:
        assert nothing is None
    age(made)
    with made.borrow() as spare:
        assert spare is not None


def test_where_another_process_has_settled_is_taken_last(tmp_path: Path) -> None:
    made = of(tmp_path, 3)
    other = Holder(made.folder, 3, 1)
    assert other.numbers() == [0]
    # A lock of its own that nobody holds: as if it had given the slot back, and waited for more to do.
    left = (made.folder / "0.lock").read_bytes()
    (made.folder / "0.lock").unlink()
    (made.folder / "0.lock").write_bytes(left)
    # With little memory each: the other one's is still held.
    with made.acquire(1, LITTLE) as first, made.acquire(1, LITTLE) as second, made.acquire(1, LITTLE) as third:
        assert [slot.numbers for slot in (first, second, third)] == [(1,), (2,), (0,)]
    other.end()


def test_where_one_that_has_ended_had_settled_is_as_good_as_any(tmp_path: Path) -> None:
    made = of(tmp_path)
    other = Holder(made.folder, 2, 1)
    assert other.numbers() == [0]
    other.end()
    with made.acquire() as slot:
        assert slot.numbers == (0,)


def test_too_few_that_are_free_are_not_kept(tmp_path: Path) -> None:
    made = of(tmp_path, 3)
    before = open_descriptors()
    with made.acquire() as own:
        with made.borrow(3) as nothing:
            assert nothing is None
        assert not made.others_busy(own)
        with made.borrow(2) as both:
            assert both is not None
            assert both.numbers == (1, 2)
    assert open_descriptors() <= before


def test_nothing_is_borrowed_while_somebody_waits(tmp_path: Path) -> None:
    made = of(tmp_path, 3)
    with made.acquire() as own:
        assert not made.wanted()
        large = Holder(made.folder, 3, 3)
        while not made.wanted():
            assert large.process.poll() is None
        with made.borrow() as nothing:
            assert nothing is None
        large.end(kill=True)
        assert not made.wanted()
        with made.borrow() as spare:
            assert spare is not None
            assert spare.numbers != own.numbers


def test_not_even_a_slot_that_has_just_become_free(tmp_path: Path) -> None:
    made = of(tmp_path)
    with contextlib.closing(made.ledger.open()) as other:
        other.join_line()  # as whoever waits does
        assert made.wanted()
        with made.borrow() as nothing:
            assert nothing is None
    with made.borrow() as slot:
        assert slot is not None


def test_who_waits_gets_what_was_borrowed(tmp_path: Path) -> None:
    made = of(tmp_path)
    with made.acquire():
        with made.borrow() as spare:
            assert spare is not None
            small = Holder(made.folder, 2, 1)
            while not made.wanted():
                assert small.process.poll() is None
        assert small.numbers() == [1]
        small.end()


def test_two_who_look_do_not_take_each_other_for_one_who_waits(tmp_path: Path) -> None:
    made = of(tmp_path)
    seen: list[bool] = []

    def look() -> None:
        seen.extend(made.wanted() for _ in range(300))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [False] * 1200


def test_what_was_borrowed_does_not_become_home(tmp_path: Path) -> None:
    made = of(tmp_path)
    with made.acquire() as own, made.borrow() as spare:
        assert (own.numbers, spare and spare.numbers) == ((0,), (1,))
    with made.acquire() as own:
        assert own.numbers == (0,)


def test_a_borrowed_slot_is_prepared_before_it_is_used(tmp_path: Path) -> None:
    noting = Noting()
    with Slots(tmp_path, "t", noting, 1).borrow() as slot:
        assert slot is not None
        assert noting.prepared == [("0", slot.cpus)]


def test_a_borrowed_slot_that_cannot_be_prepared_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = of(tmp_path, 1)

    def fail(*_: object) -> None:
        raise SandboxError("no such group")

    with monkeypatch.context() as patched:
        patched.setattr(SampledHierarchy, "prepare_slot", fail)
        with pytest.raises(SandboxError, match="no such group"), made.borrow():
            pass
    with made.borrow() as slot:
        assert slot is not None


def test_room_beside_has_uids_of_its_own_within_the_slot() -> None:
    first = Slot((0, 1), "0", (0, 1), UID_BASE, UID_BASE + 1)
    beside = first.beside
    assert beside.init_uid is not None
    own = {UID_BASE, UID_BASE + 1}
    others = range(beside.init_uid, beside.program_uid + beside.program_uids)
    assert own.isdisjoint(others)
    assert beside.program_uid == beside.init_uid + 1
    assert max(others) < UID_BASE + UIDS_PER_SLOT
    assert (beside.name, beside.numbers, beside.cpus, beside.is_beside) == ("0", (0, 1), (0,), True)


def test_room_beside_of_an_ordinary_user_is_theirs_too() -> None:
    slot = Slot((0,), "0", (3,), None, 1000)
    assert (slot.beside.init_uid, slot.beside.program_uid) == (None, 1000)


def test_slots_that_somebody_holds_are_busy(tmp_path: Path) -> None:
    slots = of(tmp_path, 3)
    assert slots.busy() == 0
    holder = Holder(tmp_path / "slots", 3, 2)
    assert len(holder.numbers()) == 2

    assert slots.busy() == 2
    with slots.acquire():
        assert slots.busy() == 3

    holder.end(kill=True)
    assert slots.busy() == 0
