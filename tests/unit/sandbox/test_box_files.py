import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import box as boxes
from sandbox import files
from sandbox.box import Box, Collection
from tests.descriptors import open_descriptors

# The folder stands for a box after untrusted code ran in it; beside it lies what must not be reached.


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """The box as its program sees it."""
    (tmp_path / "secret").write_text("of the host")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "secret").write_text("of the host")
    box = tmp_path / "box"
    box.mkdir()
    return box


@pytest.fixture
def folder(inside: Path) -> Iterator[int]:
    """The descriptor by which we hold it."""
    descriptor = os.open(inside, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def box(folder: int) -> Box:
    """The same as a Box."""
    return Box(folder, None)


def test_it_writes_and_reads(folder: int, inside: Path) -> None:
    files.write(folder, "a/b/c.txt", b"text", 0o640)
    assert (inside / "a/b/c.txt").read_bytes() == b"text"
    assert (inside / "a/b/c.txt").stat().st_mode & 0o7777 == 0o640
    assert files.read(folder, "a/b/c.txt", 4) == (b"text", False)
    assert files.read(folder, "a/b/c.txt", 3) == (b"tex", True)
    assert files.read(folder, "a/b/c.txt", 0) == (b"", True)


def test_folders_that_are_there_are_used(folder: int) -> None:
    files.write(folder, "a/b/one", b"1", 0o600)
    files.write(folder, "a/b/two", b"2", 0o600)
    assert sorted(files.Walk(folder)) == ["a/b/one", "a/b/two"]


@pytest.mark.parametrize("name", ["new\nline", "back\\slash", "-rf", "a b", "$(x)", "ü", "'\"", "*", "...", "~"])
def test_any_name_is_a_name(folder: int, name: str) -> None:
    files.write(folder, name, b"x", 0o600)
    assert files.read(folder, name, 1) == (b"x", False)
    assert list(files.Walk(folder)) == [name]


@pytest.mark.parametrize(
    "name", ["../secret", "a/../../secret", "..", "/etc/passwd", "/proc/self/environ", "", ".", "a/"]
)
def test_no_name_leads_out(folder: int, inside: Path, name: str) -> None:
    (inside / "a").mkdir()
    assert files.read(folder, name, 100) is None
    with pytest.raises(OSError, match="Errno"):
        files.write(folder, name, b"x", 0o600)
    assert (inside.parent / "secret").read_text() == "of the host"


LINKS = {
    "to a file": "../secret",
    "to a file by its whole path": "/etc/passwd",
    "to a folder": "../folder",
    "to itself": "link",
    "dangling": "nowhere",
    "within the box": "real",
    "through proc": "/proc/self/root/etc/passwd",
    "magic": "/proc/self/cwd",
}


@pytest.mark.parametrize("target", LINKS.values(), ids=LINKS.keys())
def test_no_link_is_followed(folder: int, inside: Path, target: str) -> None:
    (inside / "real").write_text("x")
    (inside / "link").symlink_to(target)
    (inside / "sub").mkdir()
    (inside / "sub" / "link").symlink_to(f"../{target}")
    for name in ("link", "link/secret", "sub/link", "sub/link/secret"):
        assert files.read(folder, name, 100) is None
        with pytest.raises(OSError, match="Errno"):
            files.write(folder, name, b"x", 0o600)
    assert list(files.Walk(folder)) == ["real"]
    assert (inside.parent / "folder" / "secret").read_text() == "of the host"


def test_a_link_as_a_folder_is_not_written_through(folder: int, inside: Path) -> None:
    (inside / "out").symlink_to("../folder")
    with pytest.raises(OSError, match="Errno"):
        files.write(folder, "out/deeper/file", b"x", 0o600)
    assert list((inside.parent / "folder").iterdir()) == [inside.parent / "folder" / "secret"]


def test_what_is_there_is_never_overwritten(folder: int, inside: Path) -> None:
    os.link(inside.parent / "secret", inside / "hard")
    for name in ("hard",):
        with pytest.raises(FileExistsError):
            files.write(folder, name, b"x", 0o777)
    assert (inside.parent / "secret").read_text() == "of the host"
    with pytest.raises(NotADirectoryError):
        files.write(folder, "hard/below", b"x", 0o600)


def test_nothing_but_regular_files_is_read(folder: int, inside: Path) -> None:
    (inside / "dir").mkdir()
    os.mkfifo(inside / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(inside / "socket"))
    for name in ("dir", "fifo", "socket", "missing", "dir/missing", "fifo/below"):
        assert files.read(folder, name, 10) is None
    assert list(files.Walk(folder)) == []


def test_reading_leaves_no_descriptor_open(folder: int, inside: Path) -> None:
    (inside / "dir").mkdir()
    before = open_descriptors()
    for name in ("dir", "missing"):
        files.read(folder, name, 10)
    assert open_descriptors() <= before


def test_a_sparse_giant_is_cut(folder: int, inside: Path) -> None:
    with (inside / "giant").open("wb") as file:
        file.truncate(10 << 30)
    assert files.read(folder, "giant", 5) == (bytes(5), True)


def test_names_that_are_no_text_are_left_out(folder: int, inside: Path) -> None:
    Path(os.fsdecode(os.fsencode(inside) + b"/\xff")).write_text("x")
    below = Path(os.fsdecode(os.fsencode(inside) + b"/\xfe"))
    below.mkdir()
    (below / "text").write_text("x")
    assert list(files.Walk(folder)) == []


def test_a_name_too_long_is_no_file(folder: int) -> None:
    assert files.read(folder, "x" * 300, 1) is None
    assert files.read(folder, "x/" * 3000, 1) is None


def test_errors_of_the_disk_are_told(folder: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, "open_beneath", broken)
    with pytest.raises(OSError, match="Input/output"):
        files.read(folder, "x", 1)


def test_walking_goes_in_name_order(folder: int) -> None:
    for name in ("b/z", "a", "b/a", "c"):
        files.write(folder, name, b"", 0o600)
    assert list(files.Walk(folder)) == ["a", "b/a", "b/z", "c"]
    assert list(files.Walk(folder)) == ["a", "b/a", "b/z", "c"]


def test_a_tree_deeper_than_anybody_needs_is_cut_off(folder: int, inside: Path) -> None:
    path = inside
    for depth in range(100):
        path /= "d"
        path.mkdir()
        (path / f"f{depth}").write_text("x")
    walk = files.Walk(folder)
    found = list(walk)
    assert walk.cut
    assert 30 <= len(found) <= 33
    assert found[0].count("/") == max(name.count("/") for name in found)


def test_collecting_keeps_within_its_caps(box: Box) -> None:
    for name, content in (("a", b"12345"), ("b", b"12345"), ("c", b"12345"), ("d", b"12345")):
        box.write(name, content)
    found = box.collect(["*"], max_files=3, max_file_bytes=4, max_bytes=9)
    assert found.cut
    assert [(file.path, file.content, file.truncated) for file in found.files] == [
        ("a", b"1234", True),
        ("b", b"1234", True),
        ("c", b"1", True),
    ]


def test_collecting_takes_what_any_pattern_means_once(box: Box) -> None:
    for name in ("a.png", "out/b.png", "out/c.txt"):
        box.write(name, b"x")
    found = box.collect(["*.png", "**/*.png", "a*"], max_files=9, max_file_bytes=9, max_bytes=99)
    assert [file.path for file in found.files] == ["a.png", "out/b.png"]
    assert not found.cut


def test_collecting_skips_what_cannot_be_read(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.write("a", b"x")
    monkeypatch.setattr(files, "read", lambda *_: None)
    assert box.collect(["*"], max_files=9, max_file_bytes=9, max_bytes=99) == Collection(())


PLENTY = {"max_file_bytes": 99, "max_bytes": 999}


@pytest.mark.parametrize(("most", "cut"), [(2, True), (3, False), (4, False)])
def test_collecting_says_whether_there_were_more_files(box: Box, most: int, cut: bool) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "other"):
        box.write(name, b"x")
    found = box.collect(["*.txt"], max_files=most, **PLENTY)
    assert (len(found.files), found.cut) == (min(most, 3), cut)


@pytest.mark.parametrize(("most_bytes", "cut"), [(9, True), (10, False)])
def test_collecting_says_whether_there_were_more_bytes(box: Box, most_bytes: int, cut: bool) -> None:
    for name in ("a", "b"):
        box.write(name, b"12345")
    assert box.collect(["*"], max_files=9, max_file_bytes=20, max_bytes=most_bytes).cut is cut


def test_one_long_file_cuts_no_list(box: Box) -> None:
    box.write("a", b"12345")
    found = box.collect(["*"], max_files=9, max_file_bytes=4, max_bytes=99)
    assert (found.files[0].truncated, found.cut) == (True, False)


def test_collecting_ends_after_so_many_entries(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whatever kind, and in however many folders."""
    for number in range(10):
        box.write(f"{number}/file", b"x")
    monkeypatch.setattr(files.Walk.__init__, "__kwdefaults__", {"most": 12, "deepest": 32})
    found = box.collect(["**"], max_files=99, **PLENTY)
    assert found == Collection(found.files, cut=True)
    assert [file.path for file in found.files] == ["0/file", "1/file"]


@pytest.mark.parametrize(("most", "cut"), [(4, True), (5, False)])
def test_a_walk_says_whether_it_saw_all(folder: int, inside: Path, most: int, cut: bool) -> None:
    for name in ("a", "b", "c/d", "c/e"):
        files.write(folder, name, b"", 0o600)
    walk = files.Walk(folder, most=most)
    assert len(list(walk)) == (3 if cut else 4)
    assert walk.cut is cut


def test_a_walk_reads_no_more_of_a_folder_than_it_may(folder: int, inside: Path) -> None:
    for number in range(100):
        (inside / f"{number:03}").touch()
    walk = files.Walk(folder, most=10)
    assert len(list(walk)) == 10
    assert walk.cut


def test_collecting_ends_when_it_took_too_long(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deep paths and globs with many `**` cost what nobody wants to pay."""
    for name in ("a", "b", "c"):
        box.write(name, b"x")
    clock = iter([0.0, 1.0, boxes.LOOKING_S, boxes.LOOKING_S + 1])
    monkeypatch.setattr(time, "thread_time", lambda: next(clock))
    found = box.collect(["*"], max_files=9, **PLENTY)
    assert ([file.path for file in found.files], found.cut) == (["a", "b"], True)


def test_a_size_is_not_believed() -> None:
    """A file that grows while it is read: /proc says 0 of all of its own."""
    folder = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert files.read(folder, "status", 5) == (b"Name:", True)
    finally:
        os.close(folder)


def test_a_device_is_not_read() -> None:
    folder = os.open("/dev", os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert [files.read(folder, name, 5) for name in ("zero", "null", "full")] == [None] * 3
    finally:
        os.close(folder)


def test_a_walk_leaves_no_descriptor_open(box: Box) -> None:
    for number in range(5):
        box.write(f"a/b/{number}", b"x")
    before = open_descriptors()
    box.collect(["**"], max_files=2, **PLENTY)
    assert open_descriptors() <= before


def test_a_box_says_how_much_is_taken(box: Box) -> None:
    assert box.used_bytes() > 0


def test_a_box_lets_go(inside: Path) -> None:
    with Box(os.open(inside, os.O_RDONLY | os.O_DIRECTORY), None) as held:
        held.write("a", b"x")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held.folder)
