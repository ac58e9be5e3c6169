"""What the API tells Sentry of a request that it failed at: the route and the stack, and nothing of the request."""

import os
import secrets
from collections.abc import Iterator
from typing import NoReturn

import pytest
import sentry_sdk
from flask.testing import FlaskClient

from app import create_app
from domain.logging import logger
from domain.settings import Settings
from tests.envelopes import Envelopes, receiving
from tests.unit.app.conftest import MemoryBackend
from tests.waiting import eventually

pytestmark = pytest.mark.filterwarnings("ignore:The send_default_pii option:DeprecationWarning")
CANARY = f"canary{secrets.token_hex(8)}"
URL = f"redis://:{CANARY}@127.0.0.1/0"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def fail(*new: object, **more: object) -> NoReturn:
    """Be a fault that nobody foresaw, in a backend."""
    logger("domain.failing").info("step_taken", source=str(new), more=str(more), canary=CANARY)
    try:
        words = os.environ[CANARY]
    except KeyError as error:
        raise RuntimeError(f"{new} at {URL}") from error
    raise RuntimeError(words)


@pytest.fixture
def sentry() -> Iterator[Envelopes]:
    with receiving() as running:
        yield running


@pytest.fixture
def client(sentry: Envelopes, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    backend = MemoryBackend()
    monkeypatch.setattr(backend, "create", fail)
    settings = Settings("postgresql://h/d", "redis://h", "redis://h", sentry_dsn=sentry.dsn)
    with create_app(settings, backend).test_client() as client:
        yield client
    sentry_sdk.get_client().close(timeout=2)
    sentry_sdk.init(default_integrations=False)


def test_nothing_of_a_request_is_told(client: FlaskClient, sentry: Envelopes) -> None:
    body = {
        "language": "python",
        "source": {"type": "code", "content": f"print('{CANARY}')"},
        "test_cases": [{"name": CANARY, "input": CANARY, "expected_output": CANARY, "is_hidden": True}],
        "metadata": {"note": CANARY},
    }
    headers = {
        "Authorization": "Bearer service",
        "Cookie": f"session={CANARY}",
        "Referer": f"https://example.org/{CANARY}",
        "User-Agent": CANARY,
        "X-Forwarded-For": CANARY,
        "X-Request-ID": "asked-for-this",
        "Baggage": f"sentry-release={CANARY},sentry-transaction={CANARY},sentry-trace_id={TRACE}",
        "Sentry-Trace": f"{TRACE}-00f067aa0ba902b7-1",
        "Idempotency-Key": CANARY,
    }
    answer = client.post("/v1/submissions", json=body, headers=headers)
    assert answer.status_code == 500
    eventually(lambda: sentry.errors("RuntimeError"))

    assert CANARY.encode() not in b"\n".join(sentry.raw)
    (event,) = sentry.errors("RuntimeError")
    assert event["request"] == {"method": "POST"}
    assert event["tags"]["request_id"] == "asked-for-this"
    assert [one["type"] for one in event["exception"]["values"]] == ["KeyError", "RuntimeError"]
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "fail"
    assert "step_taken" in {crumb["message"] for crumb in event["breadcrumbs"]["values"]}
    assert {"extra", "user", "modules"}.isdisjoint(event)
