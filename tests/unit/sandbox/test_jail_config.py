from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.command import BASE_ENVIRONMENT, Command, Room, inodes_for, nsjail_argv, room_config
from sandbox.limits import MIB, STACK_CEILING_BYTES, Limits

ROOM = Room(init_uid=5000, program_uid=5001, disk_bytes=MIB, inodes=256, tmp_bytes=4 * MIB)


def mounts(config: str) -> dict[str, str]:
    return {line.split('dst: "')[1].split('"')[0]: line for line in config.splitlines() if line.startswith("mount ")}


def test_root_has_two_uids_mapped() -> None:
    assert [line for line in room_config(ROOM).splitlines() if "map " in line] == [
        'uidmap { inside_id: "0" outside_id: "5000" count: 1 }',
        'uidmap { inside_id: "1000" outside_id: "5001" count: 1 }',
        'gidmap { inside_id: "0" outside_id: "5000" count: 1 }',
        'gidmap { inside_id: "1000" outside_id: "5001" count: 1 }',
    ]


def test_an_ordinary_user_has_one() -> None:
    config = room_config(replace(ROOM, init_uid=None, program_uid=1234))
    assert [line for line in config.splitlines() if "map " in line] == [
        'uidmap { inside_id: "1000" outside_id: "1234" count: 1 }',
        'gidmap { inside_id: "1000" outside_id: "1234" count: 1 }',
    ]


def test_its_file_systems_have_sizes() -> None:
    found = mounts(room_config(ROOM))
    assert set(found) == {"/box", "/tmp", "/dev/shm"}
    assert f"size={MIB},nr_inodes=256,uid=1000,gid=1000,mode=0755" in found["/box"]
    for path in ("/tmp", "/dev/shm"):
        assert f"size={4 * MIB},nr_inodes=1024,mode=1777" in found[path]
    assert all('fstype: "tmpfs"' in line for line in found.values())


def test_a_folder_of_the_host_can_be_shown_at_another_place() -> None:
    line = mounts(room_config(replace(ROOM, mounts=(("/srv/made", "/opt/prepared"),))))["/opt/prepared"]
    assert 'src: "/srv/made"' in line
    assert "rw: false" in line


def test_folders_of_the_host_are_shown_read_only() -> None:
    line = mounts(room_config(replace(ROOM, mounts=("/etc/java",))))["/etc/java"]
    assert 'src: "/etc/java"' in line
    assert "rw: false" in line


def test_an_image_takes_the_place_of_the_tmpfs() -> None:
    line = mounts(room_config(replace(ROOM, image=Path("/run/x/0"))))["/box"]
    assert 'src: "/run/x/0"' in line
    assert "is_bind: true rw: true" in line


def test_every_mount_is_nosuid_and_nodev() -> None:
    room = replace(ROOM, mounts=("/a", "/b"), image=Path("/run/x/0"))
    for line in (*mounts(room_config(room)).values(), *mounts(room_config(ROOM)).values()):
        assert "nosuid: true" in line
        assert "nodev: true" in line


@pytest.mark.parametrize(
    ("size", "count"), [(0, 256), (MIB, 256), (4 * MIB, 1024), (256 * MIB, 65_536), (10_000 * MIB, 65_536)]
)
def test_the_number_of_files_goes_with_the_size(size: int, count: int) -> None:
    assert inodes_for(size) == count


def test_nsjail_gets_everything_by_descriptor() -> None:
    argv = nsjail_argv(Path("/x/nsjail"), 5, 6, 7, Path("/state/init-1"))
    assert argv[: argv.index("--")] == [
        *("/x/nsjail", "--config", "/proc/self/fd/5", "--log_fd", "6", "--pass_fd", "7"),
        *("--mode", "o", "--execute_fd", "--exec_file", "/state/init-1"),
    ]


def test_nsjail_can_make_one_jail_after_the_other() -> None:
    argv = nsjail_argv(Path("/x/nsjail"), 5, 6, 7, Path("/state/init-1"), rerun=True)
    assert argv[argv.index("--mode") + 1] == "r"


def test_what_a_program_can_read_of_init_names_no_path() -> None:
    argv = nsjail_argv(Path("/x/nsjail"), 5, 6, 7, Path("/state/init-1"))
    assert argv[argv.index("--") + 1 :] == ["init", "7"]


def test_the_environment_is_built_and_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    command = Command(("/bin/true",), "strict", env={"HOME": "/tmp", "A": "=b"})
    assert dict(line.split("=", 1) for line in command.environment) == {**BASE_ENVIRONMENT, "HOME": "/tmp", "A": "=b"}


@pytest.mark.parametrize(("memory", "stack"), [(4 * MIB, 4 * MIB), (8192 * MIB, STACK_CEILING_BYTES)])
def test_the_stack_is_as_large_as_memory_up_to_a_ceiling(memory: int, stack: int) -> None:
    assert Limits(1, 1, memory, 1, 1, 1).stack_bytes == stack
