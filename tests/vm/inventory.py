"""An inventory of the machine alone: the one of `single`, with an address, secrets and a CA that live for one run."""

import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.vm import host
from tests.vm.machine import Machine

ANSIBLE = host.TREE / "ansible"
BIN = host.TREE / ".venv-ansible" / "bin"
NAME = "shipd-vm"
GROUPS = ("api", "worker")
"""What the machine is. Its servers are Debian's own: their roles are tested elsewhere, and take time here."""
SLOW = {
    "SHIPD_HSTS_S": 3600,
    # gunicorn takes a process that needs half a minute to start for one that hangs.
    "GUNICORN_CMD_ARGS": "--timeout 900",
}


def _secret() -> str:
    return secrets.token_hex(24)


@dataclass(frozen=True)
class Inventory:
    """A folder that ansible-playbook takes as an inventory."""

    folder: Path
    postgres_password: str = field(default_factory=_secret)
    redis_password: str = field(default_factory=_secret)

    @property
    def ca(self) -> Path:
        """Who signed the machine's certificate."""
        return self.folder / "tls" / "ca.pem"

    @property
    def vault_password(self) -> Path:
        """The file with the vault's password."""
        return self.folder.parent / "vault-password"

    @property
    def facts(self) -> Path:
        """Where facts of the machine are kept from one run to the next."""
        return self.folder.parent / "facts"

    def write(self, machine: Machine) -> None:
        """Write it, and have `make-secrets` make vault, CA and certificate."""
        # What an earlier machine was is not asked.
        for before in (self.folder, self.facts):
            shutil.rmtree(before, ignore_errors=True)
        variables = self.folder / "group_vars" / "all"
        variables.mkdir(parents=True, mode=0o700)
        shutil.copy(ANSIBLE / "inventories" / "single" / "group_vars" / "all" / "main.yml", variables / "main.yml")
        _write(self.folder / "hosts.yml", _hosts(machine))
        # Read after main.yml, so this holds.
        _write(variables / "vm.yml", self._variables())
        self.vault_password.unlink(missing_ok=True)
        environment = {"PATH": "/usr/bin:/bin", "ANSIBLE_VAULT_PASSWORD_FILE": str(self.vault_password)}
        made = [str(BIN / "python"), str(ANSIBLE / "make-secrets"), str(self.folder)]
        subprocess.run(made, env=environment, stdin=subprocess.DEVNULL, check=True)

    def _variables(self) -> dict[str, object]:
        database = f"postgresql://shipd:{self.postgres_password}@127.0.0.1:5432/shipd"
        return {
            "common_apt_cache_s": 10**9,  # the machine reaches no package index, and has all that is asked for
            "shipd_database_url": database,
            "shipd_migrate_database_url": database,
            "shipd_redis_url": f"redis://:{self.redis_password}@127.0.0.1:6379/0",
            "shipd_flower_url": "",
            "shipd_settings": SLOW,
            "worker_languages": ["c", "python"],
            "worker_slots": 1,
            "api_processes": 1,
            "api_ready_s": 600,
        }


def _hosts(machine: Machine) -> dict[str, object]:
    known = {"ansible_host": "127.0.0.1", "ansible_port": machine.port, "ansible_user": "root"}
    groups: dict[str, object] = {group: {"hosts": {NAME: {}}} for group in GROUPS}
    groups |= {group: {"hosts": {}} for group in ("postgres", "redis", "flower", "monitoring")}
    return {"all": {"hosts": {NAME: known}, "children": groups}}


def _write(path: Path, content: dict[str, object]) -> None:
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))
