"""common, release, api and worker, on one machine."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.ansible.sites import Played, Site
from tests.ansible.standing import servers

ROLES = ("--tags", "common,release,api,worker")
UNITS = ("api", "stream", "deliver", "beat")
MOST_EXPOSED = 2.0
"""Of ten, as systemd counts: a service that nobody thought about has 9.6."""
GRADED_S = 60


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        one = site.boot("one")
        with servers(one, site.folder) as urls:
            admin = {"name": "ada", "keys": [one.rootfs.key.with_suffix(".pub").read_text().strip()]}
            site.describe(
                {group: ["one"] for group in ("postgres", "redis", "api", "worker")}, {**urls, "common_admins": [admin]}
            )
            yield site


@pytest.fixture(scope="module")
def first(site: Site) -> Played:
    return site.play("site.yml", *ROLES)


@pytest.fixture(scope="module")
def second(site: Site, first: Played) -> Played:
    """By an administrator: root has no way in any more."""
    return site.play("site.yml", *ROLES, ansible_user="ada")


ASK = """
import json, os, ssl, sys, urllib.error, urllib.request
asked = urllib.request.Request(sys.argv[2], os.environb.get(b"BODY"), json.loads(os.environ["HEADERS"]))
try:
    answer = urllib.request.urlopen(asked, context=ssl.create_default_context(cafile=sys.argv[1]))
except urllib.error.HTTPError as error:
    answer = error
print(json.dumps([answer.status, answer.read().decode(), dict(answer.headers)]))
"""


def _asked(site: Site, path: str, *, key: str = "", body: object = None) -> tuple[int, str, dict[str, str]]:
    """Ask the API over TLS, from outside the machine; gives status, body and headers."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    environ = {"HEADERS": json.dumps(headers), **({} if body is None else {"BODY": json.dumps(body)})}
    argv = [sys.executable, "-c", ASK, str(site.authority), f"https://{site.machines['one'].address}{path}"]
    done = subprocess.run(site.network.inside(argv), capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stderr
    status, text, answered = json.loads(done.stdout)
    return status, text, answered


def _as_ada(site: Site, *argv: str) -> str:
    return site.machines["one"].run(["sudo", *argv], user="ada").stdout


def test_a_bare_machine_can_be_looked_at(site: Site) -> None:
    assert site.play("site.yml", "--check", "--tags", "common").changed["one"] > 10


def test_the_platform_is_set_up(first: Played) -> None:
    assert first.changed["one"] > 30


def test_a_second_run_changes_nothing(second: Played) -> None:
    assert second.changes == []
    assert second.changed == {"one": 0}


def test_it_can_be_looked_at_without_a_change(site: Site, second: Played) -> None:
    assert site.play("site.yml", *ROLES, "--check", ansible_user="ada").changed == {"one": 0}


def test_the_api_answers_over_tls(site: Site, second: Played) -> None:
    status, text, headers = _asked(site, "/readyz")
    assert (status, json.loads(text)["status"]) == (200, "ok"), text
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert _asked(site, "/metrics")[0] == 404


def test_a_submission_gets_its_verdict(site: Site, second: Played) -> None:
    made = json.loads(_as_ada(site, "shipd", "keys", "create", "test", "--role", "submitter", "--json"))
    body = {
        "language": "python",
        "source": {"type": "code", "content": "print(input())"},
        "test_cases": [{"input": "7", "expected_output": "7"}],
    }
    status, text, _ = _asked(site, f"/v1/submissions?wait={GRADED_S}", key=made["key"], body=body)
    assert status == 201, text
    assert json.loads(text)["execution"]["verdict"] == "AC", text


def test_the_worker_passes_its_examination(site: Site, second: Played) -> None:
    doctor = ["/opt/shipd/run", "sandbox", "--state", "/var/lib/shipd/worker", "--cgroups", "none", "doctor", "--json"]
    found = json.loads(_as_ada(site, *doctor))
    assert [finding for finding in found if finding["needed"] and not finding["ok"]] == []


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_may_do_next_to_nothing(site: Site, second: Played, unit: str) -> None:
    said = _as_ada(site, "systemd-analyze", "security", "--no-pager", f"shipd-{unit}")
    exposed = float(said.rpartition("Overall exposure level for ")[2].split()[1])
    assert exposed <= MOST_EXPOSED, said


def test_units_are_such_as_systemd_reads(site: Site, second: Played) -> None:
    units = [f"/etc/systemd/system/shipd-{unit}.service" for unit in (*UNITS, "worker")]
    done = site.machines["one"].run(["sudo", "systemd-analyze", "verify", "--man=no", *units], user="ada")
    assert [line for line in done.stderr.splitlines() if "shipd" in line] == []


def test_nothing_but_ssh_and_the_api_is_open(site: Site, second: Played) -> None:
    address = site.machines["one"].address
    code = (
        "import socket, sys; s = socket.socket(); s.settimeout(1); print(s.connect_ex((sys.argv[1], int(sys.argv[2]))))"
    )
    # Something listens on each of them, beyond 127.0.0.1 too.
    with_listener = ["sudo", "systemd-run", "--quiet", "--unit", "listener", "python3", "-m", "http.server", "9999"]
    site.machines["one"].run(with_listener, user="ada")
    _listening(site, 9999)
    results = {
        port: subprocess.run(
            site.network.inside(["python3", "-c", code, address, str(port)]), capture_output=True, text=True, check=True
        ).stdout.strip()
        for port in (22, 80, 443, 9999)
    }
    assert {port for port, result in results.items() if result == "0"} == {22, 80, 443}


def _listening(site: Site, port: int) -> None:
    deadline = time.monotonic() + 10
    while f":{port} " not in site.machines["one"].run(["ss", "-Hltn"], user="ada").stdout:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_root_has_no_way_in(site: Site, second: Played) -> None:
    assert site.machines["one"].run(["true"], check=False).returncode == 255


def test_secrets_are_read_by_nobody_else(site: Site, second: Played) -> None:
    said = _as_ada(site, "stat", "--format", "%a %U %G", "/etc/shipd/shipd.env", "/etc/shipd/tls/api.key")
    assert said.splitlines() == ["640 root shipd", "600 root root"]
    assert site.machines["one"].run(["cat", "/etc/shipd/shipd.env"], user="ada", check=False).returncode != 0
