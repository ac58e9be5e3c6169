"""What is reported to Sentry says nothing that lets anybody in."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import sentry_sdk
from flask import Flask
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.transport import Transport

from domain.sentry import start_sentry
from domain.settings import Settings

KEY = "shipd_0123456789ab_" + "5" * 64
TOKEN = f"eyJ{'a' * 20}.{'b' * 40}.{'c' * 20}"


pytestmark = pytest.mark.filterwarnings("ignore:The send_default_pii option:DeprecationWarning")


@dataclass
class Kept(Transport):
    """Keeps what would be sent."""

    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize().decode())


@pytest.fixture
def kept() -> Iterator[Kept]:
    settings = Settings("postgresql://h/d", "redis://h", "redis://h", sentry_dsn="https://key@sentry.invalid/1")
    start_sentry(settings, FlaskIntegration())
    transport = sentry_sdk.get_client().transport = Kept()
    yield transport
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.init(default_integrations=False)


@pytest.mark.usefixtures("kept")
def test_programs_that_are_started_are_given_no_more_than_they_should_have() -> None:
    with sentry_sdk.start_transaction(name="request"):
        done = subprocess.run(["/usr/bin/env"], env={}, capture_output=True, check=True)
    assert done.stdout == b""


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"X-Auth-Token": KEY},
        {"X-RapidAPI-Key": f"Bearer {KEY}"},
        {"Sec-WebSocket-Protocol": f"shipd, bearer.{KEY}"},
        {"X-ApiHub-Key": TOKEN},
    ],
)
def test_no_header_tells_a_key(kept: Kept, headers: dict[str, str]) -> None:
    app = Flask("failing")

    @app.get("/")
    def fail() -> str:
        raise RuntimeError(f"with {KEY} in its words")

    with app.test_client().get("/", headers=headers) as answer:
        assert answer.status_code == 500

    (report,) = kept.sent
    assert "RuntimeError" in report
    assert "5" * 8 not in report
    assert TOKEN.partition(".")[2] not in report
    assert json.loads(report.splitlines()[-1])["request"]["method"] == "GET"
