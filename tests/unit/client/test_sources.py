import os
from pathlib import Path

from client import archive, code, files, folder, git, to_bytes


def test_one_file_is_code() -> None:
    assert code("é") == {"type": "code", "content": "é"}
    assert code(b"\xff", "a.py") == {"type": "code", "content": {"base64": "/w=="}, "filename": "a.py"}


def test_several_are_files() -> None:
    assert files({"a": "1", "b/c": b"2"})["files"] == [{"path": "a", "content": "1"}, {"path": "b/c", "content": "2"}]


def test_a_folder_is_its_regular_files(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "run.sh").write_text("x")
    (tmp_path / "src" / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    assert folder(tmp_path) == {"type": "files", "files": [{"path": "src/run.sh", "content": "x", "mode": 0o755}]}


def test_archives_and_repositories_are_named() -> None:
    assert archive(b"x", "zip") == {"type": "archive", "format": "zip", "data": {"base64": "eA=="}}
    assert git("https://example.org/x.git", branch="main") == {
        "type": "git",
        "url": "https://example.org/x.git",
        "branch": "main",
    }


def test_values_are_bytes() -> None:
    assert (to_bytes("é"), to_bytes({"base64": "/w=="}), to_bytes(None)) == ("é".encode(), b"\xff", b"")
