from pathlib import Path
from uuid import UUID

from domain.model import Priority
from workers.parked import MOST, Parked

FIRST, SECOND = UUID(int=1), UUID(int=2)


def test_who_waited_longest_comes_first_and_once(tmp_path: Path) -> None:
    parked = Parked(tmp_path / "state" / "parked")
    assert parked.next() is None
    parked.add(FIRST, Priority.NORMAL)
    parked.add(SECOND, Priority.BULK)
    parked.add(FIRST, Priority.NORMAL)
    assert parked.next() == (FIRST, Priority.NORMAL)
    assert parked.next() == (SECOND, Priority.BULK)
    assert parked.next() is None


def test_a_line_that_was_not_ended_is_nobody(tmp_path: Path) -> None:
    parked = Parked(tmp_path / "parked")
    parked.add(FIRST, Priority.NORMAL)
    with parked.path.open("a") as file:
        file.write("0000")
    assert parked.next() == (FIRST, Priority.NORMAL)
    assert parked.next() is None


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    parked = Parked(tmp_path / "parked")
    parked.path.write_text("".join(f"{UUID(int=number)} bulk\n" for number in range(MOST)))
    parked.add(UUID(int=MOST), Priority.NORMAL)
    assert len(parked.path.read_text().splitlines()) == MOST
