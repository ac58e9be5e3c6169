"""common, release, api and worker, on one machine."""

import json
import ssl
import subprocess
from collections.abc import Iterator

import pytest

from tests.ansible.sites import Played, Site
from tests.ansible.standing import servers

ROLES = ("--tags", "common,release,api,worker")
HARDENED = ("shipd-api", "shipd-stream", "shipd-deliver", "shipd-beat")
MOST_EXPOSED = 3.0
"""Of ten, as systemd counts: an ordinary service has more than nine."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        one = site.boot("one")
        with servers(one, site.folder) as urls:
            site.describe({name: ["one"] for name in ("postgres", "redis", "api", "worker")}, urls)
            yield site


@pytest.fixture(scope="module")
def first(site: Site) -> Played:
    return site.play("site.yml", *ROLES)


def test_the_platform_is_set_up(first: Played) -> None:
    assert first.changed["one"] > 30


def test_a_second_run_changes_nothing(site: Site, first: Played) -> None:
    second = site.play("site.yml", *ROLES)
    assert second.changes == []
    assert second.changed == {"one": 0}
