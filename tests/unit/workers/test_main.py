"""A worker that cannot work does not start, and says why; what starts is tested in tests/integration/celery."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.settings import TREE

Start = Callable[..., subprocess.CompletedProcess[str]]
NOWHERE = {"DATABASE_URL": "postgresql://127.0.0.1:1/nowhere", "REDIS_URL": "redis://127.0.0.1:1/0"}


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def run(**settings: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, **NOWHERE, "SHIPD_STATE_DIR": str(tmp_path), "SHIPD_CGROUPS": "none", **settings}
        argv = [sys.executable, "-m", "workers"]
        return subprocess.run(argv, capture_output=True, text=True, check=False, env=environ, cwd=TREE)

    return run


def test_a_host_that_cannot_confine_does_not_start(start: Start) -> None:
    ended = start(NSJAIL_BIN="/nonexistent/nsjail")
    said = json.loads(ended.stderr.splitlines()[-1])
    assert (ended.returncode, said["event"]) == (1, "host_unfit")
    assert "nsjail is missing" in said["error"]
    assert "doctor" in said["hint"]


def test_a_language_file_that_is_wrong_stops_the_start(start: Start, tmp_path: Path) -> None:
    configs = shutil.copytree(TREE / "jail-configs", tmp_path / "jail-configs")
    (configs / "languages" / "python.toml").write_text("name = 1")
    ended = start(SHIPD_JAIL_CONFIGS=str(configs))
    said = json.loads(ended.stderr.splitlines()[-1])
    assert (ended.returncode, said["event"]) == (1, "host_unfit")
    assert "python.toml" in said["error"]


def test_a_static_check_that_is_wrong_stops_the_start(start: Start, tmp_path: Path) -> None:
    configs = shutil.copytree(TREE / "jail-configs", tmp_path / "jail-configs")
    (configs / "static" / "mine.toml").write_text('language = "python"\nimprots = {}')
    ended = start(SHIPD_JAIL_CONFIGS=str(configs))
    said = json.loads(ended.stderr.splitlines()[-1])
    assert (ended.returncode, said["event"]) == (1, "host_unfit")
    assert "mine.toml: the file has unknown keys ['improts']" in said["error"]


def test_a_setting_that_is_wrong_stops_the_start(start: Start) -> None:
    ended = start(SHIPD_LEASE_S="soon")
    assert ended.returncode == 1
    assert "SHIPD_LEASE_S" in ended.stderr
