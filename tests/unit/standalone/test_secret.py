from pathlib import Path

from standalone import secret


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "password"
    first = secret.kept(path)
    assert len(first) >= 32
    assert secret.kept(path) == first


def test_two_are_never_the_same(tmp_path: Path) -> None:
    assert secret.kept(tmp_path / "a") != secret.kept(tmp_path / "b")


def test_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "password"
    secret.kept(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_writing_again_replaces_the_whole_and_closes_what_was_open(tmp_path: Path) -> None:
    path = tmp_path / "conf"
    path.write_text("something longer that everybody could read")
    path.chmod(0o644)
    secret.write(path, "short")
    assert path.read_text() == "short"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["conf"]
