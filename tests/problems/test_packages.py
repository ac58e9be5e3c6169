"""Every package of Kattis's format here verifies with `shipd problem verify`, through the whole platform."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from app.cli import main
from standalone.stack import Stack

FOLDER = Path(__file__).parent
PACKAGES = sorted(path.parent for path in FOLDER.glob("kattis/*/problem.yaml"))
REFUSED = sorted(path.parent for path in FOLDER.glob("kattis_refused/*/problem.yaml"))


def shipd(stack: Stack, *arguments: str) -> tuple[int, dict[str, Any]]:
    environ = {"SHIPD_URL": stack.url, "SHIPD_API_KEY": stack.api_key}
    result = CliRunner().invoke(main, ["problem", *arguments, "--json"], env=environ, catch_exceptions=False)
    assert result.stdout, result.stderr
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize("package", PACKAGES, ids=[path.name for path in PACKAGES])
def test_it_verifies(package: Path, stack: Stack) -> None:
    code, said = shipd(stack, "verify", str(package))
    differing = [one for one in said["submissions"] if one["ok"] is not True]
    assert (code, said["state"], differing) == (0, "ready", []), said["report"]


@pytest.mark.parametrize("package", REFUSED, ids=[path.name for path in REFUSED])
def test_what_its_own_validators_refuse_is_refused(package: Path, stack: Stack) -> None:
    code, said = shipd(stack, "verify", str(package))
    assert (code, said["state"], said["submissions"]) == (1, "refused", [])
    assert any(not finding["ok"] and finding["stage"] != "import" for finding in said["report"])


def test_a_golden_package_verifies_too(stack: Stack) -> None:
    code, said = shipd(stack, "verify", str(FOLDER / "greeting"))
    assert (code, [one for one in said["submissions"] if not one["ok"]]) == (0, [])


def test_a_time_limit_is_found_where_the_package_says_none(stack: Stack, tmp_path: Path) -> None:
    package = tmp_path / "untimed"
    for path in (FOLDER / "kattis/circle").rglob("*"):
        wanted = ("problem.yaml", "data/", "submissions/accepted/area.py", "submissions/time_limit_exceeded/")
        name = path.relative_to(FOLDER / "kattis/circle").as_posix()
        if path.is_file() and name.startswith(wanted):
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_bytes(path.read_bytes())
    code, said = shipd(stack, "verify", str(package))
    assert (code, said["time_limit"]) == (0, {"timeout_ms": 1000, "inferred": True})


def test_import_list_show_and_export(stack: Stack, tmp_path: Path) -> None:
    code, said = shipd(stack, "import", str(FOLDER / "kattis/factor"))
    try:
        assert (code, said["id"], said["state"]) == (0, "factor", "ready")
        assert "factor" in [one["id"] for one in shipd(stack, "list")[1]["problems"]]
        environ = {"SHIPD_URL": stack.url, "SHIPD_API_KEY": stack.api_key}
        shown = CliRunner().invoke(main, ["problem", "show", "factor", "--json"], env=environ, catch_exceptions=False)
        assert json.loads(shown.stdout)["title"] == "A factor"
        file = tmp_path / "factor.zip"
        exported = CliRunner().invoke(main, ["problem", "export", "factor", str(file)], env=environ)
        assert exported.exit_code == 0, exported.output
        assert shipd(stack, "verify", str(file))[0] == 0
        assert shipd(stack, "verify", "factor")[0] == 0
    finally:
        headers = {"Authorization": f"Bearer {stack.api_key}"}
        requests.delete(f"{stack.url}/v1/problems/factor", headers=headers, timeout=30, proxies={"http": ""})
