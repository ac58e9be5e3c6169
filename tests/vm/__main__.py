"""What needs a machine with cgroup v2 only: `python -m tests.vm [--deploy | ARGUMENT OF PYTEST...]`.

Behind `make test-vm`. Without arguments a platform is deployed on such a machine and asked for verdicts
(tests/vm/deploy.py), then tests/jail runs on another; `--deploy` does the first alone, arguments of pytest the second.

The machine is Debian 12 emulated by QEMU, which needs neither KVM nor Docker. Its image is made once by image.sh and
kept under var/vm; every run boots it with its writes thrown away and copies this tree in. Exit code: that of pytest,
or 1 where a deployment is not as it should be.
"""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tests.vm import deploy, host, image
from tests.vm.machine import Machine

STATE = host.TREE / "var" / "vm"
DEPLOY = "--deploy"
TIME_FACTOR = 10
"""How much slower than a host the machine is taken to be: tests/jail/conftest.py multiplies every time limit by it."""

GUEST_TREE = "/srv/shipd"
GUEST_RESULTS = "/srv/results.xml"
ENVIRONMENT = (f"SHIPD_TEST_TIME_FACTOR={TIME_FACTOR}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", "PYTHONDONTWRITEBYTECODE=1")
# tests/conftest.py is about servers, which the machine has none of.
PYTEST = ("python3", "-m", "pytest", "--confcutdir=tests/jail", "-p", "no:cacheprovider", "--durations=15")


def run_tests(machine: Machine, arguments: Sequence[str], results: Path) -> int:
    """Copy the tree in, run pytest there and copy its results out. Gives pytest's exit code."""
    machine.unpack(host.TREE, GUEST_TREE)
    where = [] if any(argument.startswith("tests/") for argument in arguments) else ["tests/jail"]
    pytest = [*PYTEST, f"--junitxml={GUEST_RESULTS}", *arguments, *where]
    code = machine.run(["env", "-C", GUEST_TREE, *ENVIRONMENT, *pytest])
    if machine.fetch(GUEST_RESULTS, results):
        host.say(f"every test and its result: {results.relative_to(host.TREE)}")
    return code


def _be_ended(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: Sequence[str]) -> int:
    """Make what is missing, boot, deploy, test."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _be_ended)  # so that the machine is ended too
    host.require(host.PROGRAMS)
    STATE.mkdir(parents=True, exist_ok=True)
    folder = image.current(STATE)
    if (not arguments or DEPLOY in arguments) and not _deployed(folder):
        return 1
    return 0 if DEPLOY in arguments else _tested(folder, arguments)


def _deployed(folder: Path) -> bool:
    with Machine(folder, served=[443]) as machine:
        is_right = deploy.deploy(machine, STATE)
    host.say("deployed twice and asked by TLS: " + ("all as it should be" if is_right else "NOT as it should be"))
    return is_right


def _tested(folder: Path, arguments: Sequence[str]) -> int:
    results = STATE / "results.xml"
    results.unlink(missing_ok=True)
    with Machine(folder) as machine:
        code = run_tests(machine, arguments, results)
    host.say(f"the machine has ended; pytest's exit code was {code}")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
