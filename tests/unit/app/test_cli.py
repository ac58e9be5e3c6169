"""The `shipd` command where no server is needed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app import doctor
from app.cli import main
from app.readiness import Check
from domain.settings import Settings

COMMANDS = [
    [],
    ["keys"],
    ["keys", "create"],
    ["keys", "list"],
    ["keys", "revoke"],
    ["keys", "limit"],
    ["keys", "rotate"],
    ["access"],
    ["submissions"],
    ["submissions", "show"],
    ["webhooks"],
    ["webhooks", "list"],
    ["webhooks", "deliveries"],
    ["webhooks", "redeliver"],
    ["problem"],
    ["problem", "import"],
    ["problem", "export"],
    ["problem", "list"],
    ["problem", "show"],
    ["problem", "verify"],
    ["regrade"],
    *(["regrade", name] for name in ["start", "list", "show", "watch", "diff", "apply", "discard", "pause", "resume"]),
    ["data"],
    *(["data", name] for name in ["partitions", "archive", "drop", "restore"]),
    ["languages"],
    ["doctor"],
    ["submit"],
    ["batch"],
    ["batch", "submit"],
    ["watch"],
    ["users"],
    ["users", "list"],
    ["users", "show"],
    ["users", "suspend"],
    ["users", "resume"],
    ["hosts"],
    *(["hosts", name] for name in ["list", "show", "drain", "undrain", "forget", "advise", "route"]),
    ["queues"],
    ["queues", "list"],
    ["queues", "pause"],
    ["queues", "resume"],
    ["queues", "drain"],
    ["queues", "purge"],
    ["executions"],
    ["executions", "list"],
    ["executions", "show"],
    ["executions", "quarantined"],
    ["executions", "release"],
    ["executions", "cancel"],
    ["executions", "requeue"],
    ["blobs"],
    ["blobs", "copy"],
    ["completion"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 4


def test_a_missing_setting_is_one_line_and_no_traceback() -> None:
    result = CliRunner().invoke(main, ["keys", "list"], env={"REDIS_URL": "", "DATABASE_URL": ""})

    assert result.exit_code == 1
    assert "REDIS_URL is not set" in result.stderr
    assert "Traceback" not in result.output


def test_doctor_examines_a_machine_without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "cache_checks", lambda _: [Check("cpp@17", ok=False, message="missing")])
    monkeypatch.setattr(doctor, "sandbox_checks", lambda _: [Check("nsjail", ok=True, message="there")])

    result = CliRunner().invoke(main, ["doctor", "--json"], env={"REDIS_URL": "", "DATABASE_URL": ""})

    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"]) == (1, False)
    assert report["platform"][0]["name"] == "settings"
    assert report["sandbox"] == [{"name": "nsjail", "ok": True, "message": "there"}]
    table = CliRunner().invoke(main, ["doctor"], env={"REDIS_URL": "", "DATABASE_URL": "", "COLUMNS": "200"}).stdout
    assert "REDIS_URL is not set" in table


def test_doctor_tells_what_a_sandbox_said_that_has_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")

    (found,) = doctor.sandbox_checks(Check("settings", ok=False, message=""))

    assert not found.ok
    assert "exit code 1" in found.message


def test_doctor_tells_what_would_save_compilers_time(tmp_path: Path) -> None:
    url = "redis://127.0.0.1:1/0"
    settings = Settings("postgresql://127.0.0.1:1/nowhere", url, url, cache_dir=tmp_path)
    found = {check.name: check for check in doctor.cache_checks(settings)}
    assert not found["cpp@17"].ok
    assert found["cpp@17"].message == "missing; run `python -m workers caches`"


def test_doctor_asks_identity_providers_for_their_keys(tmp_path: Path) -> None:
    url, file = "redis://127.0.0.1:1/0", tmp_path / "oidc.toml"
    settings = Settings("postgresql://127.0.0.1:1/nowhere", url, url, oidc_file=file)

    (unread,) = doctor._identity(settings)
    file.write_text('[[issuer]]\nurl = "http://127.0.0.1:1"\naudience = "a"\n')
    (away,) = doctor._identity(settings)

    assert (unread.ok, away.ok, away.name) == (False, False, "identity http://127.0.0.1:1")
    assert "oidc.toml" in unread.message
    assert "no keys" in away.message
