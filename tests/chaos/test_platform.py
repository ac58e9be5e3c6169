"""How the programs of a run are arranged: two workers, and proxies before Redis for those that need one."""

from pathlib import Path

import pytest

from standalone.programs import Program
from standalone.stack import Stack
from tests.chaos import platform
from tests.chaos.platform import FAR_WORKER, NEAR_WORKER, Times

USUAL = [Program(name, ("python", "-m", name)) for name in ("beat", "api", "stream", "worker", "deliver", "flower")]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name in ("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE", "SHIPD_INSTANCE"):
        monkeypatch.delenv(name, raising=False)
    for server in (found := Stack(tmp_path, environ=Times().settings())).servers:
        server.folder.mkdir()
    return found


def test_there_is_one_worker_more_in_another_region(stack: Stack) -> None:
    found = {program.name: program.argv for program in platform._arranged(stack, USUAL, 7001, 7002)}
    assert set(found) == {program.name for program in USUAL} | {FAR_WORKER}
    assert found["deliver"] == ("python", "-m", "deliver")
    assert {"SHIPD_HOST=far", "SHIPD_REGION=far", f"SHIPD_BLOB_DIR={stack.settings.blob_dir}"} < set(found[FAR_WORKER])
    assert not any(word.startswith(("SHIPD_REGION", "LD_PRELOAD")) for word in found[NEAR_WORKER])


def test_redis_is_reached_through_a_proxy_whose_password_stands_on_no_command_line(stack: Stack) -> None:
    found = {program.name: program.argv for program in platform._arranged(stack, USUAL, 7001, 7002)}
    redis = next(server for server in stack.servers if server.name == platform.REDIS)
    for name, port in ((NEAR_WORKER, 7001), (FAR_WORKER, 7001), ("api", 7002), ("stream", 7002)):
        [path] = [Path(word.partition("=")[2]) for word in found[name] if word.startswith("REDIS_URL_FILE=")]
        assert path.read_text() == redis.url.replace(f":{redis.port}/", f":{port}/")
        assert path.stat().st_mode & 0o777 == 0o600
    assert redis.password not in str(found)
