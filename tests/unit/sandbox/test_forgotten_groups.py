from pathlib import Path

from sandbox.cgroup import forget


def test_it_removes_an_instance_with_its_slots_and_runs(tmp_path: Path) -> None:
    (tmp_path / "shipd-a" / "0" / "run-1").mkdir(parents=True)
    (tmp_path / "shipd-a" / "1").mkdir()

    forget(tmp_path / "shipd-a")

    assert list(tmp_path.iterdir()) == []


def test_what_is_in_use_stays(tmp_path: Path) -> None:
    used = tmp_path / "shipd-a" / "0" / "run-1" / "used"
    used.mkdir(parents=True)
    (tmp_path / "shipd-a" / "1").mkdir()

    forget(tmp_path / "shipd-a")

    assert used.exists()
    assert not (tmp_path / "shipd-a" / "1").exists()


def test_nothing_to_remove_is_fine(tmp_path: Path) -> None:
    forget(tmp_path / "shipd-a")
