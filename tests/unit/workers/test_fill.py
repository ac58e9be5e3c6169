import pytest

from domain.model import File
from sandbox import SandboxError
from sandbox.fake import FakeBox
from workers.fill import fill


def test_it_writes_every_file_with_its_mode() -> None:
    box = FakeBox(1 << 20)
    fill(box, [File("a", b"1", 0o755), File("b/c", b"2")])
    assert box.files == {"a": b"1", "b/c": b"2"}
    assert box.modes == {"a": 0o755, "b/c": 0o644}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([File("a", b""), File("a", b"")], "'a' cannot be put into the box: File exists"),
        ([File("a/b", b""), File("a", b"")], "'a' cannot be put into the box: File exists"),
        ([File("a", b""), File("a/b", b"")], "'a/b' cannot be put into the box: Not a directory"),
        ([File("a", bytes(4097))], "'a' cannot be put into the box: No space left on device"),
    ],
)
def test_what_cannot_be_written_is_the_sandbox_s_fault(files: list[File], message: str) -> None:
    with pytest.raises(SandboxError, match=message):
        fill(FakeBox(4096), files)
