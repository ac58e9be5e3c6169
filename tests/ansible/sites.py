"""Machines of one network, an inventory of them, and playbooks that run against it.

    with Site(folder) as site:
        one = site.boot("one")
        site.describe({"api": ["one"], "worker": ["one"]}, {"worker_cgroups": "none"})
        assert site.play("site.yml", "--tags", "common,api").changed == {"one": 12}

Variables are those of `ansible/inventories/single`, or of another that is named, then STANDING, then those that are
given; secrets and certificates are made by `ansible/make-secrets`, as an operator's are.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.ansible import host, rootfs, wheels
from tests.ansible.machine import Machine
from tests.ansible.network import Network

ANSIBLE = host.TREE / "ansible"
BIN = host.TREE / ".venv-ansible" / "bin"
WHEELS = "/srv/wheels"
STANDING: Mapping[str, Any] = {
    # Packages and wheels lie on the machine: it reaches nobody.
    "release_wheels": WHEELS,
    "common_apt_cache_s": 10 * 365 * 86400,
    # What a container has not: control groups with controllers, a kernel of its own.
    "worker_cgroups": "none",
    "worker_swapoff": False,
    "worker_languages": list(rootfs.LANGUAGES),
}
ALONE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""What ssh leaves running for the next connection ends with the play."""
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(.*)\]")


@dataclass(frozen=True)
class Played:
    """What became of a playbook."""

    output: str
    seconds: float

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by host."""
        return {name: int(changed) for name, _, changed, _, _ in _RECAP.findall(self.output)}

    @property
    def changes(self) -> list[str]:
        """Which tasks did, as `HOST: TASK`."""
        found, task = [], ""
        for line in self.output.splitlines():
            if titled := _TASK.match(line):
                task = titled[1]
            elif line.startswith("changed: ["):
                found.append(f"{line[10:].partition(']')[0]}: {task}")
        return found


class Site:
    """Use it in a `with` statement: nothing of it is left after it but what lies in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machines: dict[str, Machine] = {}
        self._stack = ExitStack()
        self._variables: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.network = self._stack.enter_context(Network())
        self._stack.callback(shutil.rmtree, self._connections, ignore_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def secrets(self) -> Path:
        """The password of the vault."""
        return self.folder / "vault-password"

    @property
    def authority(self) -> Path:
        """The certificate that all others are signed with."""
        return self.folder / "tls" / "ca.pem"

    def secret(self, name: str) -> str:
        """Read one from the vault."""
        vault = self.folder / "group_vars" / "all" / "vault.yml"
        (found,) = re.findall(
            rf"^{name}: (\S+)$", self._run([str(BIN / "ansible-vault"), "view", str(vault)]), re.MULTILINE
        )
        return str(found)

    @property
    def _connections(self) -> Path:
        """Where ssh keeps its sockets, whose paths must be short."""
        return Path("/run") / self.network.name

    def boot(self, name: str) -> Machine:
        """Boot one more machine."""
        machine = Machine(name, rootfs.current(), self.network, self.folder, {WHEELS: wheels.current()})
        self.machines[name] = self._stack.enter_context(machine)
        return machine

    def describe(
        self,
        groups: Mapping[str, Sequence[str]],
        variables: Mapping[str, Any] | None = None,
        *,
        inventory: str = "single",
    ) -> None:
        """Write the inventory of the machines that are up, with secrets and certificates for them."""
        self._variables = {**STANDING, "release_archive": str(self._release()), **(variables or {})}
        hosts = {name: self._reached(machine) for name, machine in self.machines.items()}
        children: dict[str, Any] = {group: {"hosts": {name: {} for name in names}} for group, names in groups.items()}
        (self.folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts, "children": children}}))
        # An operator's vault is sealed with a password that is not ours.
        known = ANSIBLE / "inventories" / inventory / "group_vars"
        shutil.copytree(
            known, self.folder / "group_vars", ignore=shutil.ignore_patterns("vault.yml"), dirs_exist_ok=True
        )
        self._run([str(BIN / "python"), str(ANSIBLE / "make-secrets"), str(self.folder)])

    def play(self, playbook: str, *options: str, fails: bool = False, **variables: Any) -> Played:
        """Run a playbook of `ansible/`, its log kept in the folder. Raises AssertionError with the log's end."""
        extra = self.folder / "extra.json"
        extra.write_text(json.dumps({**self._variables, **variables}))
        extra.chmod(0o600)
        argv = [str(BIN / "ansible-playbook"), "-i", str(self.folder / "hosts.yml"), "-e", f"@{extra}", *options]
        began = time.monotonic()
        done = subprocess.run(
            [*ALONE, *self.network.inside([*argv, playbook])],
            cwd=ANSIBLE,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        played = Played(done.stdout, time.monotonic() - began)
        self._keep(playbook, done.stdout)
        if (done.returncode != 0) != fails:
            raise AssertionError(f"{playbook} ended with {done.returncode}:\n{done.stdout[-6000:]}")
        return played

    def _reached(self, machine: Machine) -> dict[str, str]:
        options = " ".join(f"-o {name}={value}" for name, value in machine.ssh_options.items())
        return {
            "ansible_host": machine.address,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(machine.rootfs.key),
            "ansible_ssh_common_args": f"-F none {options}",
        }

    def _release(self) -> Path:
        return Path(self._run([str(BIN / "python"), str(ANSIBLE / "make-release"), str(self.folder)]).strip())

    def _environ(self) -> dict[str, str]:
        own = {
            "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.secrets),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._connections),
            "ANSIBLE_NOCOLOR": "1",
        }
        return {**os.environ, **own}

    def _run(self, argv: Sequence[str]) -> str:
        done = subprocess.run(argv, env=self._environ(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{argv} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def _keep(self, playbook: str, output: str) -> None:
        number = len(list(self.folder.glob("play-*.log"))) + 1
        (self.folder / f"play-{number:02}-{Path(playbook).stem}.log").write_text(output)
