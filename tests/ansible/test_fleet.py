"""The inventory of a fleet: four machines in two regions, PgBouncer, blobs in S3, something in front of two APIs."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from standalone import ports
from tests.ansible import clients
from tests.ansible.clients import SHIPD, Api, another_release, flowing, verdict
from tests.ansible.network import PREFIX
from tests.ansible.sites import Played, Site
from tests.s3 import BUCKET, S3, SECRET

CONTROLLER = f"{PREFIX}.1"
"""Where clients, what is in front of the APIs and the store of blobs are."""
REGIONS = {"eu": "eu1", "us": "us1"}
GROUPS = {
    **{group: ["db1"] for group in ("postgres", "redis", "flower", "monitoring")},
    "api": ["api1", "db1"],
    "worker": ["eu1", "us1"],
    "region_eu": ["db1", "api1", "eu1"],
    "region_us": ["us1"],
}
NAME = "code.example.org"
CLIENT = "203.0.113.9"
MAKE_BUCKET = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=5)
connection.request("PUT", sys.argv[3])
sys.exit(connection.getresponse().status != 200)
"""


class Store(S3):
    """An S3 server that all machines reach."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.folder / "s3", ports.choose(1)[0])
        self.site = site

    @property
    def url(self) -> str:
        return f"http://{CONTROLLER}:{self.port}"

    def argv(self) -> list[str]:
        return self.site.network.inside([sys.executable, "-m", "moto.server", "-H", CONTROLLER, "-p", str(self.port)])

    def answers(self) -> bool:
        argv = [sys.executable, "-c", MAKE_BUCKET, CONTROLLER, str(self.port), f"/{BUCKET}"]
        return subprocess.run(self.site.network.inside(argv), stderr=subprocess.DEVNULL, check=False).returncode == 0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site, Store(site) as store:
        for name in ("db1", "api1", "eu1", "us1"):
            site.boot(name)
        for machine in site.machines.values():
            machine.run(["sh", "-c", f"echo {CONTROLLER} {NAME} >>/etc/hosts"])
        variables = {
            "postgres_pgbouncer": True,
            "api_balancers": [f"{CONTROLLER}/32"],
            "common_ssh_from": [f"{PREFIX}.0/24"],
            "shipd_blob_url": f"s3://{BUCKET}/shipd",
            "shipd_s3_endpoint": store.url,
            "shipd_s3_region": "us-east-1",
            "shipd_s3_access_key_id": "tests",
            "shipd_s3_secret_access_key": SECRET,
            # What all machines believe to have is that of this one.
            "postgres_memory_mb": 1024,
            "redis_maxmemory_mb": 256,
        }
        site.describe(GROUPS, variables, inventory="fleet")
        yield site


@pytest.fixture(scope="module")
def first(site: Site) -> Played:
    return site.play("site.yml")


@pytest.fixture(scope="module")
def apis(site: Site, first: Played) -> list[Api]:
    del first
    one = clients.made(site, "api1")
    return [one, Api(site, one.key, "db1")]


def _asked(site: Site, question: str) -> str:
    argv = ["runuser", "-u", "postgres", "--", "psql", "-d", "shipd", "-Atc", question]
    return site.machines["db1"].run(argv).stdout.strip()


def test_a_second_run_changes_nothing(site: Site, first: Played) -> None:
    assert set(first.changed) == {"db1", "api1", "eu1", "us1"}
    assert site.play("site.yml").changes == []


@pytest.mark.parametrize("region", REGIONS)
def test_each_region_grades_its_own_and_all_apis_know(apis: list[Api], region: str) -> None:
    for api, other in (apis, apis[::-1]):
        status, text = api.submit(region=region)
        assert (status, verdict(text)) == (201, "AC"), text
        assert json.loads(text)["execution"]["telemetry"]["host"] == REGIONS[region]
        status, text = other.ask("GET", json.loads(text)["links"]["self"])
        assert (status, verdict(text)) == (200, "AC")


def test_everybody_comes_through_pgbouncer(apis: list[Api], site: Site) -> None:
    assert apis[0].submit()[0] == 201
    said = site.machines["db1"].run(["ss", "-Htn", "state", "established"]).stdout
    ends = [line.split()[2:4] for line in said.splitlines()]
    ours = {site.machines[name].address: name for name in ("api1", "eu1", "us1")}
    came = {(ours.get(theirs.rpartition(":")[0]), own.rpartition(":")[2]) for own, theirs in ends}
    assert came >= {(name, "6432") for name in ours.values()}
    assert not came & {(name, "5432") for name in ours.values()}
    limit = site.machines["db1"].run(["systemctl", "show", "--property", "LimitNOFILE", "--value", "pgbouncer"]).stdout
    assert int(limit) > 20_000


@pytest.mark.parametrize("said", [CLIENT, f"198.51.100.1, {CLIENT}"])
def test_a_client_is_who_the_balancer_says(apis: list[Api], site: Site, said: str) -> None:
    status, text = apis[0].ask("POST", "/v1/submissions", clients.HELLO, headers={"X-Forwarded-For": said})
    assert status == 201, text
    assert CLIENT in _asked(site, "SELECT origin FROM submissions ORDER BY id DESC LIMIT 1")


def test_what_changes_tables_is_done_as_their_owner(site: Site, first: Played) -> None:
    del first
    one = site.machines["api1"]
    assert one.run([SHIPD, "data", "archive", "first"], check=False).returncode != 0
    password = site.secret("vault_postgres_owner_password")
    url = f"postgresql://shipd_owner:{password}@{site.machines['db1'].address}:5432/shipd"
    owner = f"DATABASE_URL={url}?sslmode=verify-full&sslrootcert=/etc/shipd/tls/ca.pem"
    found = json.loads(one.run(["env", owner, SHIPD, "data", "archive", "first", "--json"]).stdout)
    assert found["state"] == "archived"


def test_prometheus_reaches_every_machine(site: Site, first: Played) -> None:
    del first
    read = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"
    said = site.machines["db1"].run(["python3", "-c", read, "http://127.0.0.1:9090/api/v1/targets"]).stdout
    targets = json.loads(said)["data"]["activeTargets"]
    assert [one["lastError"] for one in targets if one["health"] == "down"] == []
    workers = {one["labels"].get("host") for one in targets if one["labels"]["job"] == "worker"}
    assert workers == set(REGIONS.values())


def test_without_the_first_api_the_second_looks_at_the_schema(site: Site, first: Played) -> None:
    del first
    played = site.play("site.yml", "--tags", "migrate", "--limit", "all:!api1")
    assert re.search(r"TASK \[release : Look at the schema\] \**\nok: \[db1\]", played.output)


def test_another_release_and_back_while_submissions_come_and_none_is_lost(
    apis: list[Api], site: Site, tmp_path: Path
) -> None:
    def current() -> set[str]:
        return {one.run(["readlink", "/opt/shipd/current"]).stdout.strip() for one in site.machines.values()}

    (before,) = current()
    with flowing(*apis) as flow:
        site.play("rolling.yml", release_archive=str(another_release(site, tmp_path)))
        assert current() == {f"{before}.another"}
        site.play("rollback.yml")
    assert current() == {before}
    assert len(flow.answers) > 10
    assert flow.not_graded == []
