"""Receivers, and a deliverer whose names mean what a test says."""

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from uuid import UUID

import pytest
import trustme

from domain import deliveries, executions, webhooks
from domain.addresses import Address
from domain.blobs import BlobStore
from domain.db import Database
from domain.deliveries import Delivery
from domain.model import Callback, Claim, ExecutionTelemetry, Outcome, Submission
from domain.vault import Vault
from domain.verdict import Verdict
from domain.views import SubmissionView
from domain.webhook_settings import WebhookSettings
from domain.webhooks import SUBSCRIBABLE, Event, Webhook
from tests.integration.conftest import HELLO
from tests.integration.webhooks.receiving import Receiving, receiving
from workers.deliver import Deliverer
from workers.outgoing import Sender
from workers.turns import Limits, Turns

SECRET = "whsec_" + "c2VjcmV0" * 4
Rows = Callable[..., list[Mapping[str, object]]]
Finish = Callable[..., Claim]
SHORT_S = 2.0
"""What an attempt may take that is to end because nobody answers."""
LONG_S = 30.0
"""What any other may take: a receiver that answers does so in a moment, unless the machine is busy."""


@pytest.fixture(scope="session")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    with receiving(tmp_path_factory.mktemp("receiver")) as running:
        yield running


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def tls_receiver(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Receiving]:
    """It shows a certificate for `right.example`."""
    folder = tmp_path_factory.mktemp("tls")
    certificate = authority.issue_cert("right.example")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "certificate.pem"))
    with receiving(folder, str(folder / "certificate.pem")) as running:
        yield running


@dataclass
class Names:
    """What names mean, one answer after the other; the last counts for all that follow."""

    known: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, name: str, _port: int) -> Sequence[Address]:
        self.asked.append(name)
        if name not in self.known:
            raise OSError("Name or service not known")
        answers = self.known[name]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(text) for text in answer]


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    """What trusts the authority of these tests alone."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(made)
    return made


LOCAL = WebhookSettings(allowed=(ip_network("127.0.0.1/32"),))
"""This one address is allowed; 127.0.0.2 and all else that is private are not."""


@pytest.fixture
def sender(names: Names, context: ssl.SSLContext) -> Sender:
    return Sender(lambda: LOCAL.reach, context, names, LONG_S)


@pytest.fixture
def hurried(sender: Sender) -> Sender:
    """One that soon gives up."""
    return replace(sender, timeout_s=SHORT_S)


@pytest.fixture
def sent() -> list[UUID]:
    """What was sent to the queue again."""
    return []


@pytest.fixture
def deliverer(
    db: Database, sender: Sender, sent: list[UUID], receiver: Receiving, tls_receiver: Receiving
) -> Deliverer:
    settings = WebhookSettings(http=True, ports=(receiver.port, tls_receiver.port), allowed=LOCAL.allowed)
    return Deliverer(db, Vault(db), settings, sender, Turns(Limits(2, 4)), sent.append)


@pytest.fixture
def vault(db: Database) -> Vault:
    return Vault(db)


@pytest.fixture
def register(db: Database, vault: Vault, owner: UUID) -> Callable[..., Webhook]:
    def create(url: str, events: tuple[Event, ...] = SUBSCRIBABLE, secret: str = SECRET) -> Webhook:
        return webhooks.create(db, vault, owner, url=url, events=events, description="", secret=secret)

    return create


@pytest.fixture
def finish(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> Finish:
    """Submit something and end it, as a worker does."""

    def end(
        new: Submission = HELLO, verdict: Verdict = Verdict.AC, reason: str | None = None, **outcome: object
    ) -> Claim:
        view = submit(new)
        claim = executions.claim(db, blobs, view.execution.id, worker="here", lease_s=30)
        assert claim is not None
        ended = Outcome(verdict, reason, telemetry=ExecutionTelemetry(), **outcome)  # type: ignore[arg-type] # any of them
        assert executions.finish(db, blobs, claim, ended)
        return claim

    return end


def calling(url: str) -> Submission:
    return replace(HELLO, callback=Callback(url, SECRET))


@pytest.fixture
def only(db: Database) -> Callable[[], Delivery]:
    """Give the one delivery that there is."""

    def read() -> Delivery:
        (found,) = deliveries.latest(db, 10)
        return found

    return read
