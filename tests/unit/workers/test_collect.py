from collections.abc import Mapping
from pathlib import Path

import pytest

from domain.blob_folder import FolderBlobs
from domain.model import Artifact
from sandbox.fake import FakeBox
from workers import collect as collecting
from workers.collect import Kept, collect


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path)


def holding(files: Mapping[str, bytes]) -> FakeBox:
    return FakeBox(1 << 30, dict(files))


def test_it_keeps_what_was_asked_for(blobs: FolderBlobs) -> None:
    box = holding({"out/b.png": b"second", "out/a.png": b"first", "out/deep/c.png": b"", "main.py": b""})
    kept = collect(box, ("out/*.png", "nothing"), blobs)
    found = kept.artifacts
    assert not kept.cut
    assert [(artifact.path, blobs.get(artifact.sha256)) for artifact in found] == [
        ("out/a.png", b"first"),
        ("out/b.png", b"second"),
    ]
    assert found[0] == Artifact("out/a.png", 5, found[0].sha256)


def test_nothing_asked_for_nothing_kept(blobs: FolderBlobs) -> None:
    assert collect(holding({"main.py": b""}), (), blobs) == Kept()
    assert not blobs.folder.joinpath("new").exists()


def test_a_file_that_is_too_long_is_cut_and_says_so(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "MAX_FILE_BYTES", 4)
    monkeypatch.setattr(collecting, "MAX_BYTES", 6)
    kept = collect(holding({"a": b"12345", "b": b"1234", "c": b"1"}), ("*",), blobs)
    assert kept.cut
    assert [(one.size_bytes, one.truncated) for one in kept.artifacts] == [(4, True), (2, True), (0, True)]


def test_there_are_not_too_many(blobs: FolderBlobs) -> None:
    box = holding({f"{number:03}": b"" for number in range(collecting.MAX_FILES + 1)})
    kept = collect(box, ("*",), blobs)
    assert (len(kept.artifacts), kept.cut) == (collecting.MAX_FILES, True)
