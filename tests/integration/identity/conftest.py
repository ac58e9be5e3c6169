"""An identity provider that really answers, and the API that trusts it."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from domain.oidc import Tokens
from domain.oidc_keys import ProviderKeys
from domain.oidc_settings import Issuer
from domain.settings import Settings

AUDIENCE = "https://shipd.example/api"
PROVIDER = Path(__file__).with_name("provider.py")
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Provider:
    """A provider's process, which a test may stop and start again at the same port."""

    port: int = 0
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self) -> None:
        command = [sys.executable, str(PROVIDER), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def claims(self, **more: Any) -> dict[str, object]:
        """What a good token says, with some of it changed; None takes one out."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 900}
        return {name: value for name, value in (usual | more).items() if value is not None}

    def token(self, header: Mapping[str, object] | None = None, /, **claims: Any) -> str:
        """A token that the provider signs."""
        asked = {"header": dict(header or {}), "claims": self.claims(**claims)}
        return str(self.post("/token", asked)["token"])

    def rotate(self, **how: object) -> Mapping[str, str]:
        return self.post("/rotate", how)

    def behave(self, **how: object) -> None:
        self.post("/behave", how)

    @property
    def asked(self) -> Mapping[str, int]:
        with _opener.open(f"{self.url}/asked") as answer:
            return dict(json.loads(answer.read()))

    def post(self, path: str, body: object) -> Mapping[str, Any]:
        with _opener.open(f"{self.url}{path}", json.dumps(body).encode()) as answer:
            return dict(json.loads(answer.read()))


@pytest.fixture(scope="session")
def started() -> Iterator[Provider]:
    made = Provider()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def provider(started: Provider) -> Iterator[Provider]:
    """The provider of the test run, which behaves."""
    yield started
    started.behave()


@pytest.fixture
def own_provider() -> Iterator[Provider]:
    """One that this test alone has, to stop and start it."""
    made = Provider()
    made.start()
    yield made
    made.stop()


MakeTokens = Callable[..., Tokens]


@pytest.fixture
def tokens_of() -> MakeTokens:
    """Make what reads the tokens of some issuers; owners are kept in no database."""

    def make(*issuers: Issuer, cool_down_s: float = 0.0, max_age_s: float = 600.0) -> Tokens:
        keys = [ProviderKeys(issuer, cool_down_s=cool_down_s, max_age_s=max_age_s) for issuer in issuers]
        return Tokens(keys, lambda issuer, subject: uuid.uuid5(uuid.NAMESPACE_URL, f"{issuer} {subject}"))

    return make


@pytest.fixture
def tokens(provider: Provider, tokens_of: MakeTokens) -> Tokens:
    """What reads the provider's tokens."""
    return tokens_of(Issuer(provider.url, (AUDIENCE,)))


@pytest.fixture
def http(database_url: str, redis_url: str, provider: Provider, tmp_path: Path) -> Iterator[FlaskClient]:
    """The API, which trusts the provider by its settings."""
    file = tmp_path / "oidc.toml"
    file.write_text(
        f"""
        [[issuer]]
        url = "{provider.url}"
        audience = "{AUDIENCE}"
        role_claim = ["realm_access", "roles"]
        [issuer.roles]
        staff = "operator"
        graders = "service"
        """
    )
    settings = Settings(database_url, redis_url, redis_url, blob_dir=tmp_path / "blobs", oidc_file=file)
    with create_app(settings).test_client() as client:
        yield client
