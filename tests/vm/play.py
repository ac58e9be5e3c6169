"""Plays of `ansible/site.yml` on the machine: as quick as ssh can be made, each task with the time it took."""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from standalone import tied
from tests.vm import host
from tests.vm.image import PLAYED
from tests.vm.inventory import ANSIBLE, BIN, NAME, Inventory
from tests.vm.machine import Machine

SLOWEST = 8
LAST_LINES = 60
_TASK = re.compile(r"(?:TASK|RUNNING HANDLER) \[(.+)\]")
_RECAP = re.compile(rf"^{NAME}\s+:\s.*changed=(\d+).*failed=(\d+)")


@dataclass(frozen=True)
class Play:
    """What came of one run of the playbook; `tasks` with seconds, in their order."""

    code: int
    seconds: float
    recap: str
    tasks: tuple[tuple[str, float], ...]

    @property
    def changed(self) -> int | None:
        """How many tasks changed something; None where the run has not come to its end."""
        found = _RECAP.match(self.recap)
        return int(found[1]) if found and self.code == 0 else None


def play(machine: Machine, inventory: Inventory, release: str, log: Path) -> Play:
    """Run the playbook with all output going to `log`; what it says at the end is said here too."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shipd-vm-") as sockets, log.open("w") as file:
        named = ["--inventory", str(inventory.folder / "hosts.yml"), "--tags", ",".join(PLAYED)]
        argv = [str(BIN / "ansible-playbook"), *named, "site.yml"]
        environment = {**os.environ, **_environment(machine, inventory, release, sockets)}
        # Tied to us, so that it never outlives us; in a session of its own, so that Ctrl-C is ours to answer.
        with subprocess.Popen(
            tied.argv(argv, on_death=signal.SIGTERM),
            cwd=ANSIBLE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as running:
            assert running.stdout is not None
            try:
                recap, tasks = _followed(_logged(running.stdout, file))
            except BaseException:
                running.terminate()
                raise
    return Play(running.returncode, time.monotonic() - began, recap, tasks)


def tell(played: Play, log: Path) -> None:
    """Print the recap and what took longest; the end of the log where it failed."""
    if played.changed is None:
        print("\n".join(log.read_text().splitlines()[-LAST_LINES:]), flush=True)  # noqa: T201 - a command's output
    host.say(f"{played.recap or 'no recap'}  ({played.seconds:.0f} s, {len(played.tasks)} tasks)")
    for name, seconds in sorted(played.tasks, key=lambda task: -task[1])[:SLOWEST]:
        print(f"    {seconds:6.1f} s  {name}", flush=True)  # noqa: T201 - as above


def _environment(machine: Machine, inventory: Inventory, release: str, sockets: str) -> Mapping[str, str]:
    options = {**machine.ssh_options, "ControlMaster": "auto", "ControlPersist": "15m"}
    state = inventory.folder.parent
    return {
        "ANSIBLE_SSH_ARGS": " ".join(["-F none", *(f"-o {name}={value}" for name, value in options.items())]),
        "ANSIBLE_PRIVATE_KEY_FILE": str(machine.key),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,  # a path of a socket is short
        "PYTHONPATH": str(host.TREE),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_TIMEOUT": "300",
        # Facts are the same in every play, and take the machine half a minute.
        "ANSIBLE_GATHERING": "smart",
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(inventory.facts),
        "ANSIBLE_HOME": str(state / "home"),
        "ANSIBLE_LOCAL_TEMP": str(state / "home" / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_VAULT_PASSWORD_FILE": str(inventory.vault_password),
        "SHIPD_RELEASE": release,
    }


def _logged(lines: Iterable[str], log: TextIO) -> Iterator[str]:
    began = time.monotonic()
    for line in lines:
        log.write(f"{time.monotonic() - began:7.1f} {line}")
        log.flush()
        yield line


def _followed(lines: Iterable[str]) -> tuple[str, tuple[tuple[str, float], ...]]:
    """Give the recap, and how long each task took: until the next line of its kind."""
    recap, tasks, name, since = "", [], "", time.monotonic()
    for line in lines:
        found = _TASK.match(line)
        over = line.startswith(("PLAY", "TASK", "RUNNING HANDLER"))
        if over and name:
            tasks.append((name, time.monotonic() - since))
            name = ""
        if found:
            name, since = found[1], time.monotonic()
        if _RECAP.match(line):
            recap = line.strip()
    return recap, tuple(tasks)
