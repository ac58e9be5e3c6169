import os
from pathlib import Path

import pytest

from standalone import lock


def test_it_can_be_taken_and_is_free_again_when_closed(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lock"
    descriptor = lock.take(path)
    assert lock.owner(path) == os.getpid()
    os.close(descriptor)
    assert lock.owner(path) is None


def test_nobody_owns_one_that_was_never_taken(tmp_path: Path) -> None:
    assert lock.owner(tmp_path / "lock") is None


def test_a_second_platform_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    descriptor = lock.take(tmp_path / "lock")
    with pytest.raises(lock.AlreadyRunning, match=f"in use by process {os.getpid()}; stop it with: make stop"):
        lock.take(tmp_path / "lock")
    os.close(descriptor)


def test_a_copy_of_the_descriptor_holds_it_too(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    descriptor = lock.take(path)
    copy = os.dup(descriptor)
    os.close(descriptor)
    assert lock.owner(path) is not None
    os.close(copy)
    assert lock.owner(path) is None


def test_it_waits_for_one_that_is_being_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    held = lock.take(path)
    monkeypatch.setattr(lock, "_lives", lambda _: False)
    monkeypatch.setattr("time.sleep", lambda _: os.close(held))
    os.close(lock.take(path))


def test_the_wait_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    held = lock.take(path)
    monkeypatch.setattr(lock, "_lives", lambda _: False)
    monkeypatch.setattr(lock, "STOPPING_S", 0)
    with pytest.raises(lock.AlreadyRunning):
        lock.take(path)
    os.close(held)
