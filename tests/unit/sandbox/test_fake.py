"""The fake sandbox does what real ones do, as far as their users can tell."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Box, BoxFiles, Cause, Collected, Collection, Command, Limits, SandboxError
from sandbox.fake import FakeBox, FakeSandbox, ended, in_turn

LIMITS = Limits(1000, 2000, 1 << 20, 1024, 1024, 8)
COMMAND = Command(("/usr/bin/true",), "strict", stdin=b"in")
PLENTY = {"max_files": 10, "max_file_bytes": 100, "max_bytes": 100}


@pytest.fixture(params=["real", "fake"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BoxFiles]:
    """A box of either kind; the real one is an ordinary folder, which is all that it asks for."""
    if request.param == "fake":
        yield FakeBox(1 << 20)
        return
    with Box(os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY), None) as real:
        yield real


def test_what_was_written_is_read(box: BoxFiles) -> None:
    box.write("a/b.txt", b"12345")
    assert box.read("a/b.txt", 5) == (b"12345", False)
    assert box.read("a/b.txt", 4) == (b"1234", True)
    assert box.read("a/c.txt", 5) is None
    assert box.read("a", 5) is None


@pytest.mark.parametrize(
    ("there", "new", "error"),
    [("a", "a", FileExistsError), ("a/b", "a", FileExistsError), ("a", "a/b", NotADirectoryError)],
)
def test_names_that_clash_are_refused(box: BoxFiles, there: str, new: str, error: type[OSError]) -> None:
    box.write(there, b"")
    with pytest.raises(error):
        box.write(new, b"")


def test_what_is_asked_for_is_collected_in_order(box: BoxFiles) -> None:
    for path in ("out/b", "out/a", "out.txt", "other", "out/deep/c"):
        box.write(path, path.encode())
    assert [found.path for found in box.collect(["out/*", "out.txt"], **PLENTY).files] == ["out/a", "out/b", "out.txt"]
    found = box.collect(["**"], **{**PLENTY, "max_files": 2})
    assert ([file.path for file in found.files], found.cut) == (["other", "out/a"], True)


def test_what_is_collected_is_cut(box: BoxFiles) -> None:
    for name in ("a", "b", "c"):
        box.write(name, b"12345")
    found = (
        Collected("a", b"1234", truncated=True),
        Collected("b", b"12", truncated=True),
        Collected("c", b"", truncated=True),
    )
    assert box.collect(["*"], max_files=10, max_file_bytes=4, max_bytes=6) == Collection(found, cut=True)
    assert not box.collect(["*"], max_files=10, max_file_bytes=4, max_bytes=99).cut


def test_a_fake_box_is_full_at_its_size() -> None:
    box = FakeBox(8192)
    box.write("a", b"1")
    with pytest.raises(OSError, match="No space left"):
        box.write("b", bytes(4097))
    box.write("b", bytes(4096))


def test_it_notes_what_it_is_asked() -> None:
    sandbox = FakeSandbox(lambda jail: ended(3, stdout=jail.command.stdin))
    with sandbox.slot(2) as slot, sandbox.jail(slot, LIMITS, 4096, ["/opt"], on_disk=True) as jail:
        result = jail.run(COMMAND, LIMITS)
        assert sandbox.held == [slot]
    assert (result.cause, result.exit_code, result.stdout) == (Cause.EXIT, 3, b"in")
    assert sandbox.jails == [jail]
    assert (jail.command, jail.limits, jail.mounts, jail.on_disk) == (COMMAND, LIMITS, ("/opt",), True)
    assert sandbox.held == []


def test_it_goes_step_by_step() -> None:
    sandbox = FakeSandbox(in_turn(ended(exit_signal=9, cause=Cause.SIGNAL), SandboxError("broken")))
    with sandbox.slot() as slot, sandbox.jail(slot, LIMITS, 4096) as jail:
        first = jail.run(COMMAND, LIMITS)
        assert (first.exit_code, first.exit_signal) == (None, 9)
        with pytest.raises(SandboxError, match="broken"):
            jail.run(COMMAND, LIMITS)
        assert jail.run(COMMAND, LIMITS) == ended()


def test_it_has_no_more_slots_than_were_said() -> None:
    with pytest.raises(SandboxError, match="does not fit a host of 1 slots"), FakeSandbox(slots=1).slot(2):
        pass


@pytest.mark.parametrize("busy", [True, False])
def test_others_are_busy_when_it_is_said(busy: bool) -> None:
    sandbox = FakeSandbox(busy=busy)
    with sandbox.slot() as slot:
        assert sandbox.others_busy(slot) is busy


def test_it_lends_what_was_said_until_it_is_wanted() -> None:
    sandbox = FakeSandbox(spare=[5, 6])
    with sandbox.spare_slot(2) as slot:
        assert slot is not None
        assert (slot.numbers, sandbox.held) == ((5, 6), [slot])
        with sandbox.spare_slot() as nothing:
            assert nothing is None
    assert (sandbox.held, sandbox.spare, sandbox.slot_wanted()) == ([], [5, 6], False)
    sandbox.wanted = True
    with sandbox.spare_slot() as nothing:
        assert (nothing, sandbox.slot_wanted()) == (None, True)
