"""Every package of Kattis's format here verifies with `shipd problem verify`, through the whole platform."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from standalone.stack import Stack

FOLDER = Path(__file__).parent
SHIPD = Path(sys.executable).with_name("shipd")
PACKAGES = sorted(path.parent for path in FOLDER.glob("kattis/*/problem.yaml"))
REFUSED = sorted(path.parent for path in FOLDER.glob("kattis_refused/*/problem.yaml"))
GOLDEN = [FOLDER / name for name in ("greeting", "near")]
"""Of those with a problem.toml some are enough: test_problems.py sends what all of them hold."""
AT_ONCE = 4
PATIENCE_S = 240

Said = tuple[int, dict[str, Any]]


def run(stack: Stack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "SHIPD_URL": stack.url, "SHIPD_API_KEY": stack.api_key}
    command = [str(SHIPD), "problem", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def shipd(stack: Stack, *arguments: str) -> Said:
    done = run(stack, *arguments, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def packages_verified(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Mapping[Path, Future[Said]]]:
    """Verify all packages that were selected, some at once; each test waits for its own."""
    asked = [item.callspec.params["package"] for item in request.session.items if "packages_verified" in item.fixturenames]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {path: pool.submit(shipd, stack, "verify", str(path)) for path in asked}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("package", [*PACKAGES, *GOLDEN], ids=lambda path: path.name)
def test_it_verifies(package: Path, packages_verified: Mapping[Path, Future[Said]]) -> None:
    code, said = packages_verified[package].result()
    differing = [one for one in said["submissions"] if one["ok"] is not True]
    assert (code, said["state"], differing) == (0, "ready", []), said["report"]
    assert said["submissions"]


@pytest.mark.parametrize("package", REFUSED, ids=lambda path: path.name)
def test_what_its_own_validators_refuse_is_refused(package: Path, packages_verified: Mapping[Path, Future[Said]]) -> None:
    code, said = packages_verified[package].result()
    assert (code, said["state"], said["submissions"]) == (1, "refused", [])
    assert any(not finding["ok"] and finding["stage"] != "import" for finding in said["report"])


def test_a_time_limit_is_found_where_the_package_says_none(stack: Stack, tmp_path: Path) -> None:
    package = tmp_path / "untimed"
    for path in (FOLDER / "kattis/circle").rglob("*"):
        wanted = ("problem.yaml", "data/", "submissions/accepted/area.py", "submissions/time_limit_exceeded/")
        name = path.relative_to(FOLDER / "kattis/circle").as_posix()
        if path.is_file() and name.startswith(wanted):
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_bytes(path.read_bytes())
    header = package / "problem.yaml"
    # Twice what the slowest took and not five times as much: it must come to a second where the machine is slow, too.
    header.write_text(header.read_text().replace("limits:\n", "limits:\n  time_multiplier: 2\n"))
    code, said = shipd(stack, "verify", str(package))
    assert (code, said["time_limit"]) == (0, {"timeout_ms": 1000, "inferred": True})


def test_import_list_show_and_export(stack: Stack, tmp_path: Path) -> None:
    code, said = shipd(stack, "import", str(FOLDER / "kattis/lamps"))
    try:
        assert (code, said["id"], said["state"]) == (0, "lamps", "ready")
        assert "lamps" in [one["id"] for one in shipd(stack, "list")[1]["problems"]]
        assert shipd(stack, "show", "lamps")[1]["title"] == "Lamps"
        file = tmp_path / "lamps.zip"
        exported = run(stack, "export", "lamps", str(file))
        assert exported.returncode == 0, exported.stderr
        assert shipd(stack, "verify", str(file))[0] == 0
        assert shipd(stack, "verify", "lamps")[0] == 0
    finally:
        headers = {"Authorization": f"Bearer {stack.api_key}"}
        requests.delete(f"{stack.url}/v1/problems/lamps", headers=headers, timeout=30, proxies={"http": ""})
