"""Packages as zips and folders: what is taken, and what is refused before it is read."""

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from domain.errors import InvalidRequest
from domain.packages import archive, folder
from domain.packages.tree import Tree, entry
from tests.unit.domain.packages.trees import HELLO, tree, zipped


def paths(packed: io.BytesIO) -> list[str]:
    with archive.opened(packed) as found:
        return [one.path for one in found.files()]


def refusal(packed: io.BytesIO) -> str:
    with pytest.raises(InvalidRequest) as caught, archive.opened(packed):
        pass
    return str(caught.value)


def test_it_reads_a_zip() -> None:
    assert paths(zipped(HELLO)) == sorted(HELLO)


def test_one_top_folder_is_taken_off() -> None:
    assert paths(zipped({f"hello/{path}": data for path, data in HELLO.items()})) == sorted(HELLO)


def test_what_systems_leave_in_archives_is_passed_over() -> None:
    left = {"__MACOSX/hello/._problem.yaml": "x", "hello/.DS_Store": "x", "hello/.git/config": "x"}
    assert paths(zipped({f"hello/{path}": data for path, data in HELLO.items()} | left)) == sorted(HELLO)


def test_a_package_without_problem_yaml_is_refused() -> None:
    assert "problem.yaml" in refusal(zipped({"a/b": "x"}))


@pytest.mark.parametrize(
    "path",
    ["../problem.yaml", "/etc/passwd", "a/../../b", "a//b", "./a", "a\\b", "a\x01b", "x" * 2000],
)
def test_paths_that_lead_out_are_refused(path: str) -> None:
    message = refusal(zipped({**HELLO, path: "x"}))
    assert "package/" in message


def test_two_files_of_one_name_are_refused() -> None:
    packed = zipped(HELLO)
    with zipfile.ZipFile(packed, "a") as added, pytest.warns(UserWarning, match="Duplicate"):
        added.writestr("problem.yaml", "name: Other\n")
    assert "twice" in refusal(packed)


def test_a_file_that_is_a_folder_too_is_refused() -> None:
    assert "a file and a folder" in refusal(zipped({**HELLO, "data/secret": "x"}))


def link(target: str, path: str = "data/secret/3.in") -> io.BytesIO:
    packed = zipped(HELLO)
    info = zipfile.ZipInfo(path)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "a") as added:
        added.writestr(info, target)
    return packed


def test_a_link_inside_is_followed() -> None:
    with archive.opened(link("../sample/1.in")) as found:
        assert found.read("data/secret/3.in") == b"1\n"


def test_a_link_to_a_folder_is_followed() -> None:
    with archive.opened(link("../data/sample", "statement/sample")) as found:
        assert found.read("statement/sample/1.ans") == b"1\n"


def test_a_link_to_nothing_is_nothing() -> None:
    assert paths(link("../sample/9.in")) == sorted(HELLO)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd", "../../../problem.yaml", "3.in"])
def test_a_link_that_leads_out_or_in_circles_is_refused(target: str) -> None:
    assert "is a link that leads out of the package" in refusal(link(target))


def test_links_through_links_stay_inside_too() -> None:
    with pytest.raises(InvalidRequest, match="leads out"):
        tree(HELLO, {"a": "data", "data/up": "..", "b": "a/up/../../etc"})


def test_a_device_is_refused() -> None:
    packed = zipped(HELLO)
    info = zipfile.ZipInfo("data/null")
    info.external_attr = (stat.S_IFCHR | 0o666) << 16
    with zipfile.ZipFile(packed, "a") as added:
        added.writestr(info, "")
    assert "neither a file nor a link" in refusal(packed)


def test_a_bomb_is_refused_by_what_it_says_of_itself() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made, made.open("problem.yaml", "w") as file:
        for _ in range(80):
            file.write(bytes(1024 * 1024))
    assert packed.tell() < 200_000
    assert "200 times as much" in refusal(packed)


def test_what_says_less_than_it_holds_is_cut_there() -> None:
    packed = zipped({**HELLO, "data/secret/3.in": b"x" * 1000})
    data = bytearray(packed.getvalue())
    for at in range(len(data) - 4):
        if data[at : at + 4] == struct.pack("<L", 1000):
            data[at : at + 4] = struct.pack("<L", 10)
    with pytest.raises(InvalidRequest, match="no whole zip"), archive.opened(io.BytesIO(bytes(data))) as found:
        found.read("data/secret/3.in")


def test_many_files_are_refused_before_they_are_listed() -> None:
    data = zipped(HELLO).getvalue()
    end = data.rindex(b"PK\x05\x06")
    lying = data[:end] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 60_000, 60_000, 100, 0, 0)
    assert "more than 50000 files" in refusal(io.BytesIO(lying))
    long = data[:end] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, 1 << 30, 0, 0)
    assert "more than 50000 files" in refusal(io.BytesIO(long))


def test_zip64_is_refused() -> None:
    data = zipped(HELLO).getvalue()
    end = data.rindex(b"PK\x05\x06")
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    assert "zip64" in refusal(io.BytesIO(data[:end] + locator + data[end:]))


@pytest.mark.parametrize("data", [b"", b"PK", b"hello" * 100, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest), archive.opened(io.BytesIO(data)):
        pass


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(zipped(HELLO).getvalue())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    assert "encrypted" in refusal(io.BytesIO(bytes(data)))


def test_damaged_data_is_refused_when_it_is_read() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for path, content in HELLO.items():
            made.writestr(path, content)
    data = packed.getvalue().replace(b"name: Hello", b"name: Jello")
    with pytest.raises(InvalidRequest, match="no whole zip"), archive.opened(io.BytesIO(data)) as found:
        found.read("problem.yaml")


def test_too_many_files_and_bytes_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="more than 50000 files"):
        Tree.of(entry(f"a{number}", b"") for number in range(50_001))


def write(path: Path, files: dict[str, str]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(data)
    return path


def test_a_folder_is_read_and_packed(tmp_path: Path) -> None:
    found = folder.read(write(tmp_path / "hello", {path: str(data) for path, data in HELLO.items()}))
    packed = io.BytesIO()
    folder.pack(found, packed)
    assert paths(packed) == sorted(HELLO)


def test_links_of_a_folder_are_followed_inside_and_refused_outside(tmp_path: Path) -> None:
    path = write(tmp_path / "hello", {name: str(data) for name, data in HELLO.items()})
    (path / "data/secret/3.in").symlink_to("2.in")
    (path / "statement").symlink_to("data/sample")
    assert folder.read(path).read("data/secret/3.in") == b"2\n"
    assert folder.read(path).read("statement/1.in") == b"1\n"
    (path / "data/secret/4.in").symlink_to("/etc/passwd")
    with pytest.raises(InvalidRequest, match="leads out"):
        folder.read(path)


def test_a_pipe_in_a_folder_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "hello", {name: str(data) for name, data in HELLO.items()})
    os.mkfifo(path / "pipe")
    with pytest.raises(InvalidRequest, match="neither a file nor a link"):
        folder.read(path)
