import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox import Command
from sandbox.command import BASE_ENVIRONMENT
from tests.jail.conftest import CONFIGS, MODES
from tests.jail.leaks import Territory
from tests.jail.running import PYTHON, Ask, Runner, limits

LOOK = Path(__file__).with_name("look.py").read_text()


@pytest.fixture(scope="module", params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Each way to run."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def seen(mode: str, runners: Mapping[str, Runner]) -> dict[str, object]:
    """What a program finds when it looks around."""
    result = runners[mode].python(LOOK, output_bytes=1 << 20).result
    assert (result.exit_code, result.stderr) == (0, b"")
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_it_is_confined(seen: dict[str, object]) -> None:
    status = seen["status"]
    assert isinstance(status, dict)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert {status[f"Cap{which}"] for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert status["Uid"].split() == status["Gid"].split() == ["1000"] * 4


def test_it_has_no_other_group(mode: str, seen: dict[str, object]) -> None:
    # An ordinary user's groups cannot be dropped; they are nobody's inside.
    assert seen["groups"] == ([] if mode != "ordinary" else seen["groups"])
    assert set(map(str, seen["groups"] or [])) <= {"65534"}  # type: ignore[call-overload]


def test_it_sees_no_process_but_its_own(seen: dict[str, object]) -> None:
    assert seen["pids"] == [1, 2]


def test_it_cannot_look_into_init(seen: dict[str, object]) -> None:
    for name in ("environ", "mem", "maps", "auxv", "io", "stack", "syscall"):
        assert seen[f"read /proc/1/{name}"] in {"EACCES", "EPERM", "ENOENT"}, name
    for name in ("fd", "fdinfo", "map_files"):
        assert seen[f"list /proc/1/{name}"] in {"EACCES", "EPERM"}, name
    for name in ("root", "cwd", "exe", "ns/mnt", "ns/user"):
        assert seen[f"link /proc/1/{name}"] in {"EACCES", "EPERM"}, name
        assert seen[f"list /proc/1/{name}/"] in {"EACCES", "EPERM", "ENOTDIR"}, name


def test_it_cannot_do_anything_to_init(mode: str, seen: dict[str, object]) -> None:
    refused = {"EPERM", "ENOSYS", "EACCES"}
    assert seen["prlimit 1"] in refused
    if mode != "ordinary":  # there init has the same uid, and does not mind: see the tricks of hostile programs
        assert seen["kill 1"] in refused
        assert seen["affinity 1"] in refused
        assert seen["priority 1"] in refused


def test_its_environment_is_the_built_one(seen: dict[str, object]) -> None:
    environment = seen["environment"]
    assert isinstance(environment, dict)
    assert 0 < int(environment.pop("PYTHONHASHSEED")) < 1 << 32
    assert environment == BASE_ENVIRONMENT


def test_variables_of_a_command_are_added(run: Runner) -> None:
    text = "import json, os; print(json.dumps(dict(os.environ)))"
    command = Command((PYTHON, "-c", text), "python", env={"A": "b=c\n", "HOME": "/tmp"})
    result = run.execute(Ask(command, limits())).result
    assert json.loads(result.stdout) == {**BASE_ENVIRONMENT, "A": "b=c\n", "HOME": "/tmp"}


def test_it_finds_only_what_belongs_there(seen: dict[str, object]) -> None:
    assert seen["/"] == ["bin", "box", "dev", "etc", "lib", "lib64", "proc", "tmp", "usr"]
    assert seen["/dev"] == ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"]
    assert seen["/etc"] == ["alternatives", "group", "ld.so.cache", "passwd"]
    assert seen["/box"] == ["main.py"]
    assert (seen["/tmp"], seen["/dev/shm"], seen["/usr/local"]) == ([], [], [])


def test_it_holds_three_descriptors(seen: dict[str, object]) -> None:
    assert seen["descriptors"] == ["0", "1", "2"]


def test_it_leads_a_session_of_its_own(seen: dict[str, object]) -> None:
    assert seen["session"] == [2, 2, 2]


def test_its_host_has_no_name(seen: dict[str, object]) -> None:
    assert seen["host"] == "jail"


def test_nothing_but_its_own_folders_can_be_written(seen: dict[str, object]) -> None:
    for folder in ("/", "/usr", "/usr/bin", "/usr/local", "/etc", "/dev", "/bin", "/lib", "/etc/alternatives"):
        assert seen[f"write {folder}"] == "EROFS", folder
    for folder in ("/proc", "/proc/self"):
        assert seen[f"write {folder}"] in {"EROFS", "ENOENT", "EACCES"}, folder
    for name in ("/etc/passwd", "/usr/bin/python3", "/proc/sys/kernel/hostname", "/proc/self/oom_score_adj"):
        assert seen[f"open {name}"] in {"EROFS", "EACCES", "EPERM"}, name
    for folder in ("/box", "/tmp", "/dev/shm"):
        assert seen[f"write {folder}"] == "ok", folder


def test_every_mount_is_nosuid_and_nodev_but_device_nodes(seen: dict[str, object]) -> None:
    mounts = seen["mounts"]
    assert isinstance(mounts, list)
    assert mounts
    for path, options in mounts:
        assert "nosuid" in options, path
        device = path in {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")}
        assert ("noexec" if device else "nodev") in options, path
        assert path in {"/box", "/tmp", "/dev/shm"} or device or "ro" in options, path


def test_nothing_tells_of_the_hosts_folders(seen: dict[str, object], territory: Territory) -> None:
    for name in ("mountinfo", "command lines", "own cgroup"):
        told = str(seen[name])
        for secret in (*map(str, territory.folders), str(CONFIGS.parent)):
            assert secret not in told, name


def test_its_control_group_is_the_root_of_all_that_it_sees(seen: dict[str, object]) -> None:
    lines = str(seen["own cgroup"]).splitlines()
    assert lines
    assert {line.split(":", 2)[2] for line in lines} == {"/"}


def test_secrets_of_the_host_are_not_there(seen: dict[str, object]) -> None:
    for name in ("/etc/shadow", "/root", "/home", "/var", "/run", "/sys", "/sys/fs/cgroup", "/dev/kvm", "/dev/tty"):
        assert seen[f"stat {name}"] == "ENOENT", name
    for name in ("/proc/kcore", "/proc/kmsg", "/proc/sysrq-trigger", "/proc/kpagecount"):
        assert seen[f"read {name}"] in {"EACCES", "EPERM", "ENOENT", "EROFS"}, name


def test_there_is_a_loopback_and_nothing_else(seen: dict[str, object]) -> None:
    assert seen["interfaces"] == ["lo"]
    assert seen["routes"] == []


def test_there_is_nobody_else_to_become(seen: dict[str, object]) -> None:
    for call in ("setuid 0", "setgid 0", "setgroups", "setuid 1"):
        assert seen[call] in {"EPERM", "EINVAL"}, call
