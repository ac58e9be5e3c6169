import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Command, Sandbox, SandboxConfig
from tests.jail.conftest import CONFIGS, TREE
from tests.jail.leaks import groups, processes
from tests.jail.running import PYTHON, Ask, answer, limits
from tests.waiting import eventually

KEEPER = """
import sys
from pathlib import Path
from sandbox import Command, Sandbox, SandboxConfig
from tests.jail.running import limits

config = SandboxConfig(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), cgroups=sys.argv[4], slots=1, perf=False)
sandbox = Sandbox(config)
with sandbox.slot() as slot, sandbox.jail(slot, limits(), 1 << 20) as jail:
    if sys.argv[5] == "standing":
        print("standing", flush=True)
        sys.stdin.read()
    spin = "import os\\nfor _ in range(3): os.fork()\\nwhile True: pass"
    command = Command(("/usr/bin/python3", "-c", spin), "python")
    print(jail.run(command, limits(cpu_time_ms=60_000, wall_time_ms=60_000)), flush=True)
"""


def keeper(config: SandboxConfig, stage: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", KEEPER, config.instance, str(config.state_dir), str(CONFIGS), config.cgroups, stage]
    return subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TREE, env={**os.environ, "PYTHONPATH": "."}
    )


def spinning(folder: Path) -> bool:
    """Whether init has children, and they do what they were told."""
    for line in processes((folder,)):
        pid = line.split()[0]
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if any(len(Path(f"/proc/{child}/task/{child}/children").read_text().split()) > 1 for child in children):
                return True
        except FileNotFoundError:  # ended meanwhile
            continue
    return False


@pytest.mark.parametrize("stage", ["standing", "running"])
def test_no_jail_outlives_its_keeper(config: SandboxConfig, tmp_path: Path, stage: str) -> None:
    own = SandboxConfig(config.instance, tmp_path / "state", CONFIGS, cgroups=config.cgroups, slots=1)
    with keeper(own, stage) as process:
        assert process.stdout is not None
        if stage == "standing":
            assert process.stdout.readline() == "standing\n"
        else:
            eventually(lambda: process.poll() is not None or spinning(own.state_dir))
            assert process.poll() is None, process.stdout.read()
        assert processes((own.state_dir,))
        process.send_signal(signal.SIGKILL)
    eventually(lambda: not [line for line in processes((own.state_dir,)) if "-c" not in line.split()])
    # Whoever comes next takes the slot, and removes what is left of the run that nobody ended.
    ask = Ask(Command((PYTHON, "-c", "print(1)"), "python"), limits())
    assert answer(Sandbox(own), ask).result.stdout == b"1\n"
    assert not [path for path in groups(own.instance) if path.name.startswith("run-")]
