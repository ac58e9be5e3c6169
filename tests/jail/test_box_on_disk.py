import os
import stat
from collections.abc import Mapping

import pytest

from sandbox import Cause, Sandbox, SandboxError
from sandbox.image import mounted
from tests.jail.running import MIB, Runner, limits

DISK = 64 * MIB


@pytest.fixture(params=["cgroup", "sampled"])
def local(request: pytest.FixtureRequest, runners: Mapping[str, Runner]) -> Runner:
    """Runs as root."""
    return runners[request.param]


def test_it_works(local: Runner) -> None:
    answer = local.ask("output", "file", "big", 40 * MIB, on_disk=True, disk_bytes=DISK, outputs=("big",))
    assert (answer.result.cause, answer.result.exit_code) == (Cause.EXIT, 0)
    assert [(file.path, file.content, file.truncated) for file in answer.collected] == [("big", b"x" * MIB, True)]


def test_it_holds_more_than_the_memory_limit(local: Runner) -> None:
    ask = local.ask("output", "file", "big", 48 * MIB, on_disk=True, disk_bytes=DISK, memory_bytes=16 * MIB)
    assert (ask.result.cause, ask.result.exit_code) == (Cause.EXIT, 0)


def test_it_is_full_at_its_size(local: Runner) -> None:
    ask = local.ask("output", "file", "big", 80 * MIB, on_disk=True, disk_bytes=DISK, file_bytes=1024 * MIB)
    assert ask.result.exit_code == 90
    assert ask.result.counters.disk_bytes is not None
    assert ask.result.counters.disk_bytes >= DISK


def test_it_belongs_to_the_program_and_holds_no_device(sandboxes: Mapping[str, Sandbox], local: Runner) -> None:
    ask = local.ask("output", "file", "lost+found", 1, on_disk=True, disk_bytes=DISK)
    assert ask.result.exit_code == 0


def test_a_device_in_it_cannot_be_opened(sandbox: Sandbox) -> None:
    with (
        sandbox.slot() as slot,
        sandbox.jail(slot, limits(), DISK, on_disk=True) as jail,
    ):
        os.mknod("zero", stat.S_IFCHR | 0o666, os.makedev(1, 5), dir_fd=jail.box.folder)
        assert jail.box.read("zero", 10) is None


def test_the_next_one_is_empty(local: Runner) -> None:
    local.ask("output", "file", "left", 10, on_disk=True, disk_bytes=DISK)
    assert local.ask("end", "exit", 0, on_disk=True, disk_bytes=DISK, outputs=("left",)).collected == ()


def test_what_a_killed_worker_left_mounted_is_removed(sandbox: Sandbox) -> None:
    images = sandbox.config.state_dir.resolve() / "images"
    with sandbox.slot() as slot:
        left = mounted(images, sandbox.config.instance, slot, DISK)
        (left.__enter__() / "left").write_text("x")
        with sandbox.jail(slot, limits(), DISK, on_disk=True) as jail:
            assert jail.box.read("left", 1) is None
        assert list(images.iterdir()) == []


def test_a_late_unmount_takes_no_result_away(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    images = sandbox.config.state_dir.resolve() / "images"
    with sandbox.slot() as slot:
        with monkeypatch.context() as late, mounted(images, sandbox.config.instance, slot, DISK):
            late.setattr("sandbox.image.do", lambda *_: (_ for _ in ()).throw(SandboxError("umount took too long")))
        assert "box on disk left behind: umount took too long" in caplog.text
        with mounted(images, sandbox.config.instance, slot, DISK):  # whoever comes next tries again
            pass
        assert list(images.iterdir()) == []


def test_missing_tools_are_named(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.image.os.access", lambda *_: False)
    with (
        sandbox.slot() as slot,
        pytest.raises(SandboxError, match=r"mkfs.ext4 failed.*e2fsprogs"),
        sandbox.jail(slot, limits(), DISK, on_disk=True),
    ):
        pass
