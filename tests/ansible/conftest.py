"""Roles against booted machines: `make test-ansible`.

To test a role: a file `test_NAME.py` here with a fixture of its own module that boots what it needs,

    @pytest.fixture(scope="module")
    def site(tmp_path_factory):
        with Site(tmp_path_factory.mktemp("site")) as site:
            site.boot("one")
            site.describe({"postgres": ["one"]})
            site.play("site.yml", "--tags", "common,postgres")
            yield site

and tests that look at it: `site.machines["one"].run([...])` is root's ssh, `site.play(...)` runs a playbook and says
what it changed. Packages that a role installs stand in its `vars/main.yml` as `NAME_packages`: they lie ready in the
root file system of the machines (`rootfs.py`), which reach nothing but each other. `make test` does not come here.
"""

import pytest

from tests.ansible import host


@pytest.fixture(scope="session", autouse=True)
def _prepared() -> None:
    host.prepare()
