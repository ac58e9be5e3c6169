"""All roles on one machine: what was set up, an update and a way back while submissions come, and a restore."""

import base64
import io
import json
import re
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ansible import clients
from tests.ansible.clients import SHIPD, Api, another_release, flowing, verdict
from tests.ansible.sites import Played, Site

GROUPS = ("postgres", "redis", "api", "worker", "flower", "monitoring")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        site.boot("one")
        site.describe({name: ["one"] for name in GROUPS})
        yield site


@pytest.fixture(scope="module")
def first(site: Site) -> Played:
    return site.play("site.yml")


@pytest.fixture(scope="module")
def api(site: Site, first: Played) -> Api:
    del first
    return clients.made(site)


def test_a_second_run_changes_nothing(site: Site, first: Played) -> None:
    assert first.changed["one"] > 60
    second = site.play("site.yml")
    assert second.changes == []


def test_what_would_change_is_nothing(site: Site, first: Played) -> None:
    del first
    assert site.play("site.yml", "--check").changes == []


def test_a_submission_over_tls_gets_its_verdict(api: Api) -> None:
    status, text = api.submit()
    assert (status, verdict(text)) == (201, "AC")


def test_nobody_comes_to_the_servers_without_tls_or_from_elsewhere(site: Site, first: Played) -> None:
    del first
    one = site.machines["one"]
    listening = one.run(["ss", "-Hltn"]).stdout.split("\n")
    open_to_others = {line.split()[3].rpartition(":")[2] for line in listening if line and "127.0.0.1" not in line}
    assert open_to_others <= {"22", "80", "443", "5443"}
    plain = one.run(["redis-cli", "ping"], check=False)
    assert "PONG" not in plain.stdout
    without = "host=127.0.0.1 dbname=shipd user=shipd sslmode=disable password=x"
    refused = one.run(["psql", without, "-c", "SELECT 1"], check=False)
    assert "no pg_hba.conf entry" in refused.stderr


def test_flower_asks_for_a_password_and_names_tasks_by_ids(api: Api, site: Site) -> None:
    secret = site.machines["one"].run(["sed", "-n", "s/^FLOWER_BASIC_AUTH='\\(.*\\)'$/\\1/p", "/etc/shipd/flower.env"])
    known = {"Authorization": f"Basic {base64.b64encode(secret.stdout.strip().encode()).decode()}"}
    assert api.ask("GET", "/", port=5443)[0] == 401
    assert api.ask("GET", "/metrics", port=5443, headers=known)[0] == 404
    status, text = api.ask("GET", "/api/tasks?taskname=shipd.grade", port=5443, headers=known)
    assert status == 200
    tasks = json.loads(text).values()
    assert tasks
    assert all("ab" not in task["args"] and "print" not in str(task) for task in tasks)
    assert "5443" in api.ask("GET", "/")[1]


def _read(site: Site, url: str) -> str:
    read = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"
    return site.machines["one"].run(["python3", "-c", read, url]).stdout


def test_the_ends_of_certificates_are_told(site: Site, first: Played) -> None:
    del first
    told = re.findall(
        r'^shipd_certificate_not_after_timestamp_seconds{file="(\S+)"} (\S+)$',
        _read(site, "http://127.0.0.1:9100/metrics"),
        re.MULTILINE,
    )
    assert {file.rpartition("/")[2] for file, _ in told} == {"api.pem", "flower.pem", "server.crt", "tls.crt"}
    assert all(float(ends) > time.time() for _, ends in told)


def test_that_the_first_backup_went_well_is_told(site: Site, first: Played) -> None:
    del first
    told = re.search(
        r"^shipd_backup_succeeded_timestamp_seconds (\S+)$", _read(site, "http://127.0.0.1:9100/metrics"), re.MULTILINE
    )
    assert told
    assert 0 < time.time() - float(told[1]) < 3600


def test_prometheus_reaches_everything_that_it_asks(site: Site, first: Played) -> None:
    del first
    targets = json.loads(_read(site, "http://127.0.0.1:9090/api/v1/targets"))["data"]["activeTargets"]
    down = {target["labels"]["job"]: target["lastError"] for target in targets if target["health"] == "down"}
    assert {target["labels"]["job"] for target in targets} >= {"node", "postgres", "redis", "worker"}
    assert not set(down) & {"node", "postgres", "redis", "worker"}, down


def test_another_release_and_back_while_submissions_come_and_none_is_lost(api: Api, site: Site, tmp_path: Path) -> None:
    one = site.machines["one"]
    before = one.run(["readlink", "/opt/shipd/current"]).stdout.strip()
    with flowing(api) as flow:
        site.play("rolling.yml", release_archive=str(another_release(site, tmp_path)))
        assert one.run(["readlink", "/opt/shipd/current"]).stdout.strip() == f"{before}.another"
        site.play("rollback.yml")
    assert one.run(["readlink", "/opt/shipd/current"]).stdout.strip() == before
    assert len(flow.answers) > 10
    assert flow.not_graded == []
    assert json.loads(one.run([SHIPD, "hosts", "show", "one", "--json"]).stdout)["standing"] == "live"
    assert "there is no update to go back from" in site.play("rollback.yml", fails=True).output


def test_a_gate_that_fails_ends_the_update(api: Api, site: Site, tmp_path: Path) -> None:
    broken = tmp_path / "shipd-0.1.0-broken.tar.gz"
    with tarfile.open(broken, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("requirements.lock"), io.BytesIO())
    site.play("rolling.yml", release_archive=str(broken), fails=True)
    assert api.submit()[0] == 201


def test_what_a_play_left_drained_the_next_one_takes_back(api: Api, site: Site) -> None:
    one = site.machines["one"]
    one.run([SHIPD, "hosts", "drain", "one", "--wait", "--timeout", "60"])
    one.run(["touch", "/var/lib/shipd/worker/.draining"])
    site.play("site.yml", "--tags", "worker")
    assert verdict(api.submit()[1]) == "AC"
    assert json.loads(one.run([SHIPD, "hosts", "show", "one", "--json"]).stdout)["standing"] == "live"
    assert site.play("site.yml", "--tags", "worker").changes == []


def test_what_was_lost_comes_back_from_the_backup(api: Api, site: Site) -> None:
    status, text = api.submit()
    assert status == 201
    path = json.loads(text)["links"]["self"]
    one = site.machines["one"]
    one.run(["systemctl", "start", "shipd-backup-verify"])
    one.run(["runuser", "-u", "postgres", "--", "psql", "-d", "shipd", "-c", "SELECT pg_switch_wal()"])
    site.play("restore.yml", restore_to="latest")
    assert verdict(api.ask("GET", path)[1]) == "AC"
    assert verdict(api.submit()[1]) == "AC"
    assert one.run(["systemctl", "is-active", "shipd-wal"]).stdout.strip() == "active"
