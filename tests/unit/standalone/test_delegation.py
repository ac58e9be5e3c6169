from pathlib import Path

import pytest

from standalone import delegation


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where an ordinary user has a delegated cgroup v2 subtree; gives that subtree's folder."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    own = tmp_path / "cgroup" / "user.slice" / "user-1000"
    own.mkdir(parents=True)
    (own / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (own / "cgroup.subtree_control").write_text("")
    proc = tmp_path / "proc" / "self"
    proc.mkdir(parents=True)
    (proc / "mounts").write_text(f"proc /proc proc rw 0 0\ncgroup2 {tmp_path}/cgroup cgroup2 rw 0 0\n")
    (proc / "cgroup").write_text("1:name=systemd:/x\n0::/user.slice/user-1000\n")
    return own


def _asked(host: Path) -> bool:
    return delegation.may_make_cgroups(host.parents[2] / "proc")


def test_root_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert delegation.may_make_cgroups()


def test_a_user_with_a_delegated_subtree_may(host: Path) -> None:
    assert _asked(host)


def test_a_user_whose_subtree_lacks_a_controller_may_not(host: Path) -> None:
    (host / "cgroup.controllers").write_text("cpu pids\n")
    assert not _asked(host)


def test_a_user_who_may_not_write_there_may_not(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert not _asked(host)


@pytest.mark.parametrize("file", ["mounts", "cgroup"])
def test_a_user_without_cgroup_v2_may_not(file: str, host: Path) -> None:
    (host.parents[2] / "proc" / "self" / file).write_text("")
    assert not _asked(host)
