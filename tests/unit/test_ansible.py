"""ansible/ against what the code itself says; that roles work is shown by tests/ansible on machines."""

import re
import shlex
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from domain.settings import TREE, Settings
from standalone import programs
from tests import lacked
from tests.heard import Heard

ANSIBLE = TREE / "ansible"
ROLES = ANSIBLE / "roles"
URLS = {"DATABASE_URL": "postgresql://127.0.0.1/shipd", "REDIS_URL": "redis://127.0.0.1/0"}


def _yaml(path: str) -> Any:
    return yaml.safe_load((ANSIBLE / path).read_text())


def _known_settings() -> set[str]:
    heard = Heard(dict(URLS))
    Settings.from_environment(heard)
    s3 = Heard(
        {**URLS, "SHIPD_BLOB_URL": "s3://shipd/blobs", "SHIPD_S3_ACCESS_KEY_ID": "a", "SHIPD_S3_SECRET_ACCESS_KEY": "b"}
    )
    Settings.from_environment(s3)
    return heard.asked | s3.asked


def test_every_setting_that_roles_write_is_read_by_the_code() -> None:
    known = _known_settings()
    written = {
        *_yaml("roles/release/vars/main.yml")["release_made_settings"],
        *_yaml("roles/worker/vars/main.yml")["worker_settings"],
    }
    for inventory in ("single", "fleet"):
        written |= set(_yaml(f"inventories/{inventory}/group_vars/all/main.yml")["shipd_settings"])
    assert written <= known


def test_roles_read_no_setting_that_there_is_not() -> None:
    known = _known_settings()
    for file in [*ROLES.rglob("*.yml"), *ROLES.rglob("*.j2")]:
        named = set(re.findall(r"\['(SHIPD_[A-Z_]+)'\]", file.read_text()))
        assert named <= known, file


def test_packages_of_languages_are_those_that_the_languages_name() -> None:
    ours = {
        name: set(packages)
        for name, packages in _yaml("roles/worker/vars/main.yml")["worker_language_packages"].items()
    }
    theirs = {}
    for path in (TREE / "jail-configs" / "languages").glob("*.toml"):
        words = shlex.split(tomllib.loads(path.read_text())["install"])
        theirs[path.stem] = {word for word in words[2:] if not word.startswith("-")}
    assert ours == theirs
    assert set(_yaml("roles/worker/defaults/main.yml")["worker_languages"]) == set(theirs)


def test_a_worker_has_what_the_check_installs() -> None:
    worker, release = _yaml("roles/worker/vars/main.yml"), _yaml("roles/release/vars/main.yml")
    languages = {name for packages in worker["worker_language_packages"].values() for name in packages}
    assert (
        languages | set(worker["worker_packages"]) | set(release["release_packages"]) - {"python3-venv"}
        == lacked.PACKAGES - lacked.OF_TESTS
    )


def test_flower_runs_as_the_platform_runs_it() -> None:
    unit = (ROLES / "flower" / "templates" / "shipd-flower.service.j2").read_text()
    (command,) = re.findall(r"^ExecStart=/opt/shipd/run (.*)$", unit, re.MULTILINE)
    port = _yaml("roles/flower/defaults/main.yml")["flower_inner_port"]
    assert command.replace("{{ flower_inner_port }}", str(port)).split() == list(programs.flower(port).argv[2:])


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("api", programs.api(8000)),
        ("stream", programs.stream(Path("/var/lib/shipd/api/stream.sock"))),
        ("deliver", programs.deliver()),
        ("beat", programs.beat()),
    ],
    ids=["api", "stream", "deliver", "beat"],
)
def test_a_unit_runs_what_the_platform_runs(name: str, program: programs.Program) -> None:
    unit = next(unit for unit in _yaml("roles/api/vars/main.yml")["api_programs"] if unit["name"] == name)
    command = (
        jinja2.Environment(autoescape=True).from_string(unit["command"]).render(**_yaml("roles/api/defaults/main.yml"))
    )
    assert shlex.split(command) == ["/opt/shipd/run", *program.argv[2:]]
    assert unit["stop_s"] == program.stop_wait_s


def test_a_worker_has_as_long_to_stop_as_it_is_given() -> None:
    template = (ROLES / "worker" / "templates" / "shipd-worker.service.j2").read_text()
    assert "TimeoutStopSec={{ worker_stop_grace_s | int + 15 }}" in template
    assert "ExecStart=/opt/shipd/run workers\n" in template
    defaults = _yaml("roles/worker/defaults/main.yml")
    assert defaults["worker_stop_grace_s"] == Settings.stop_grace_s
    assert defaults["worker_stop_grace_s"] + 15 >= programs.worker().stop_wait_s


def test_the_proxy_takes_what_the_api_takes() -> None:
    known = _yaml("roles/api/vars/main.yml")
    render = jinja2.Environment(autoescape=True).from_string
    assert render(known["api_max_body_bytes"]).render(release_settings={}) == str(Settings.max_body_bytes)
    assert render(known["api_max_body_bytes"]).render(release_settings={"SHIPD_MAX_BODY_BYTES": 5}) == "5"
    assert render(known["api_max_package_mb"]).render(release_settings={}) == str(Settings.max_package_mb)


def test_whatever_is_said_to_the_kernel_has_a_reason() -> None:
    said = _yaml("roles/common/vars/main.yml")["common_sysctls"] + _yaml("roles/worker/vars/main.yml")["worker_sysctls"]
    assert all(item["why"] and set(item) <= {"name", "value", "why"} for item in said)
    names = [item["name"] for item in said]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("inventory", ["single", "fleet"])
def test_every_group_of_the_site_has_hosts(inventory: str) -> None:
    groups = {name for play in _yaml("site.yml") for name in re.split(r"[:\[]", play["hosts"])[:1] if name != "all"}
    children = _yaml(f"inventories/{inventory}/hosts.yml")["all"]["children"]
    assert groups <= set(children)


def test_secrets_are_asked_for_and_none_stands_there() -> None:
    made = set(re.findall(r'^    "(vault_\w+)",$', (ANSIBLE / "make-secrets").read_text(), re.MULTILINE))
    theirs = {"vault_s3_access_key_id", "vault_s3_secret_access_key"}
    for inventory in ("single", "fleet"):
        text = (ANSIBLE / "inventories" / inventory / "group_vars" / "all" / "main.yml").read_text()
        assert set(re.findall(r"\bvault_\w+", text)) <= made | theirs
    secret = re.compile(r"^\s*\w*(password|secret|token):\s*(?P<value>\S.*)$", re.MULTILINE)
    for file in ANSIBLE.rglob("*.yml"):
        for found in secret.finditer(file.read_text()):
            assert "vault_" in found["value"] or found["value"] in {'""', '"!"', "on_create"}, (file, found[0])


def test_a_release_is_the_same_for_the_same_tree(tmp_path: Path) -> None:
    argv = [sys.executable, str(ANSIBLE / "make-release")]
    first, second = (
        Path(subprocess.run([*argv, str(tmp_path / name)], capture_output=True, check=True, text=True).stdout.strip())
        for name in ("a", "b")
    )
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        members = {member.name: member for member in archive.getmembers()}
    assert {"setup.cfg", "requirements.lock", "sandbox/init.c", "domain/settings.py"} <= set(members)
    assert not [name for name in members if name.startswith(("tests/", "var/", "ansible/", "."))]
    assert {member.uid for member in members.values()} == {0}
