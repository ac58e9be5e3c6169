"""Who gets room when: arbitrary arrivals with real files and processes, and the rules one by one."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from sandbox import door
from sandbox.ledger import Lacks
from sandbox.limits import MIB, Limits
from sandbox.result import RoomTaken, SandboxError
from sandbox.room import Capacity, Room
from sandbox.sampled import SampledHierarchy
from sandbox.slots import Slots
from tests.waiting import eventually

SMALL, LARGE = Room(100 * MIB), Room(800 * MIB)
ALL = Capacity(1000 * MIB, 100 * MIB)
COME_AND_GO = """
import os, random, sys, time
from pathlib import Path
from sandbox import door
from sandbox.limits import MIB
from sandbox.result import RoomTaken
from sandbox.room import Capacity, Room
from sandbox.sampled import SampledHierarchy
from sandbox.slots import Slots

door.PATIENCE_S = 0.05
seed, folder, log = int(sys.argv[1]), Path(sys.argv[2]), open(sys.argv[3], "a", buffering=1)
chance = random.Random(seed)
made = Slots(folder, "t", SampledHierarchy(), 4, capacity=Capacity(1000 * MIB, 100 * MIB))
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    count, memory = chance.choice([(1, 100), (1, 250), (1, 100), (1, 700), (2, 500), (4, 1000)])
    room = Room(memory * MIB, chance.choice([0, 0, 20 * MIB]), chance.choice([0, 400 * MIB]))
    name = f"{seed}.{number}"
    try:
        with made.acquire(count, room) as slot:
            log.write(f"in {name} {count} {slot.memory_bytes} {slot.disk_bytes}\\n")
            if chance.random() < 0.03:
                log.write(f"out {name}\\n")
                os.kill(os.getpid(), 9)
            time.sleep(chance.random() * 0.01)
            log.write(f"out {name}\\n")
    except RoomTaken:
        log.write(f"refused {name}\\n")
"""


@pytest.fixture
def made(tmp_path: Path) -> Slots:
    return Slots(tmp_path, "t", SampledHierarchy(), 4, capacity=ALL)


def test_whoever_comes_and_is_killed_no_more_is_held_than_there_is(tmp_path: Path) -> None:
    """A log that all append to has who entered before who left: what stands at a time never exceeds the host."""
    log = tmp_path / "log"
    argv = [sys.executable, "-c", COME_AND_GO]
    processes = [
        subprocess.Popen(
            [*argv, str(seed), str(tmp_path / "slots"), str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for seed in range(6)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    standing: dict[str, tuple[int, int, int]] = {}
    entered = 0
    for line in log.read_text().splitlines():
        what, name, *amounts = line.split()
        if what == "in":
            entered += 1
            standing[name] = (int(amounts[0]), int(amounts[1]), int(amounts[2]))
        else:
            standing.pop(name, None)
        slots, memory, disk = (sum(column) for column in zip((0, 0, 0), *standing.values(), strict=True))
        assert slots <= 4
        assert memory <= ALL.memory_bytes
        assert disk <= ALL.disk_bytes
    assert entered > 20
    left = Slots(tmp_path / "slots", "t", SampledHierarchy(), 4, capacity=ALL)
    with left.acquire(4, Room(ALL.memory_bytes, ALL.disk_bytes)):
        assert left.ledger.free() == Capacity(0, 0)


def test_memory_that_only_compilers_need_is_given_back(made: Slots) -> None:
    with made.acquire(1, Room(100 * MIB, at_first_bytes=600 * MIB)) as slot:
        assert slot.memory_bytes == 600 * MIB
        assert made.ledger.free().memory_bytes == 400 * MIB
        assert made.settle(slot).memory_bytes == 100 * MIB
        assert made.ledger.free().memory_bytes == 900 * MIB


def test_compilers_get_what_a_small_host_has(made: Slots) -> None:
    limits = Limits(1, 1, 2048 * MIB, 1, 1, 1)
    with made.acquire(1, Room(100 * MIB, at_first_bytes=2048 * MIB)) as slot:
        assert slot.held_to(limits).memory_bytes == ALL.memory_bytes
        assert made.settle(slot).held_to(limits, 40 * MIB).memory_bytes == 60 * MIB


def test_a_checker_gets_what_a_small_host_has_and_a_program_never_less_than_it_asks_for(made: Slots) -> None:
    with made.acquire(1, Room(2148 * MIB, own_bytes=100 * MIB)) as slot:
        assert slot.memory_bytes == ALL.memory_bytes
        assert made.settle(slot).memory_bytes == ALL.memory_bytes
    with pytest.raises(SandboxError, match="do not fit"), made.acquire(1, Room(2148 * MIB, own_bytes=1001 * MIB)):
        pass


def test_what_does_not_fit_the_host_is_refused(made: Slots) -> None:
    refused = pytest.raises(SandboxError, match="do not fit a host that has 1000 and 100 MiB")
    with refused, made.acquire(1, Room(1001 * MIB)):
        pass
    with made.borrow(1, Room(1001 * MIB)) as nothing:
        assert nothing is None


def test_jails_of_a_slot_cannot_come_to_more_than_it_holds(made: Slots) -> None:
    with made.acquire(1, SMALL) as slot, made.using(slot, 60 * MIB):
        with made.using(slot, 40 * MIB):
            pass
        with pytest.raises(SandboxError, match="jails of 101 MiB"), made.using(slot, 41 * MIB):
            pass
        with pytest.raises(SandboxError, match="a box of 1 MiB on disk"), made.using(slot, MIB, MIB):
            pass


@pytest.mark.parametrize(
    ("count", "room", "large"),
    [
        (1, Room(250 * MIB), False),
        (1, Room(251 * MIB), True),
        (1, Room(100 * MIB, at_first_bytes=900 * MIB), False),
        (2, SMALL, True),
        (1, Room(MIB, 26 * MIB), True),
    ],
)
def test_large_is_what_takes_more_than_its_part(made: Slots, count: int, room: Room, *, large: bool) -> None:
    assert made.is_large(count, room) is large


class Waiting:
    """Somebody who waits for room, in a thread."""

    def __init__(self, made: Slots, count: int, room: Room) -> None:
        self.entered, self.leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(made, count, room))
        self._thread.start()

    def _run(self, made: Slots, count: int, room: Room) -> None:
        with made.acquire(count, room):
            self.entered.set()
            self.leave.wait(20)

    def end(self) -> None:
        """Have it leave, once it has entered."""
        self.leave.set()
        self._thread.join()


@pytest.fixture
def all_at_the_door(made: Slots) -> Iterator[tuple[Slots, Waiting, ExitStack]]:
    """A large one that waits for three slots and 800 MiB, and the two small ones that are in."""
    with ExitStack() as small:
        small.enter_context(made.acquire(1, Room(250 * MIB)))
        small.enter_context(made.acquire(1, SMALL))
        waiting = Waiting(made, 3, LARGE)
        eventually(made.someone_at_the_door)
        yield made, waiting, small
        small.close()
        waiting.end()


def test_small_ones_pass_the_one_at_the_door_for_a_while(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(door, "PATIENCE_S", 1000.0)
    made, waiting, small = request.getfixturevalue("all_at_the_door")
    for _ in range(50):
        with made.acquire(1, SMALL):
            assert not waiting.entered.is_set()
    small.close()
    assert waiting.entered.wait(10)


def test_then_only_beside_what_is_kept_for_it(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(door, "PATIENCE_S", 0.0)
    made, waiting, small = request.getfixturevalue("all_at_the_door")
    eventually(lambda: made.free() == 0)  # it has gathered two, and lacks one
    passing = Waiting(made, 1, SMALL)
    eventually(lambda: made.ledger.free().memory_bytes == 0)
    assert not passing.entered.is_set()
    small.close()
    assert waiting.entered.wait(10)
    assert passing.entered.wait(10)  # the fourth slot, and what is left of the memory
    passing.end()


def test_what_is_kept_stays_free_and_what_fits_beside_it_passes(made: Slots) -> None:
    with closing(made.ledger.open()) as other:
        assert other.take_door()
        other.say_lacks(Lacks(2, 800 * MIB, 0))  # as one says before it has gathered anything
        with made.acquire(1, SMALL), made.acquire(1, SMALL):
            waiting = Waiting(made, 1, Room(MIB))
            assert not waiting.entered.wait(0.1)
            other.say_lacks(Lacks(1, 799 * MIB, 0))
            assert waiting.entered.wait(10)
            waiting.end()
        other.say_lacks(Lacks(0, 0, 90 * MIB))
        waiting = Waiting(made, 1, Room(MIB, 11 * MIB))
        assert not waiting.entered.wait(0.1)
        other.leave_door()
        assert waiting.entered.wait(10)
        waiting.end()


def test_another_large_one_is_told_to_come_again(all_at_the_door: tuple[Slots, Waiting, ExitStack]) -> None:
    made, waiting, small = all_at_the_door
    with pytest.raises(RoomTaken), made.acquire(2, SMALL):
        pass
    small.close()
    assert waiting.entered.wait(10)
    waiting.end()
    with made.acquire(2, SMALL) as slot:
        assert len(slot.numbers) == 2


def test_nothing_is_borrowed_while_one_is_at_the_door(all_at_the_door: tuple[Slots, Waiting, ExitStack]) -> None:
    made, _, _ = all_at_the_door
    assert made.wanted()
    with made.borrow(1, SMALL) as nothing:
        assert nothing is None


def test_a_large_one_does_not_go_before_a_small_one_that_waits(made: Slots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PATIENCE_S", 1000.0)
    with closing(made.ledger.open()) as small:
        small.join_line()
        large = Waiting(made, 3, LARGE)
        eventually(made.someone_at_the_door)
        assert not large.entered.wait(0.1)
        small.leave_line()
        assert large.entered.wait(10)
        large.end()
