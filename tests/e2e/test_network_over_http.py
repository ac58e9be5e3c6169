"""T7 over HTTP: the whole platform runs in an internet of the test's own, and a program is sent out into it."""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from domain import keys
from domain.db import Database
from sandbox.network import namespace
from standalone.client import Answer, Client
from standalone.stack import Stack
from tests.jail.asking import ASK
from tests.jail.internet import HOST, Internet, internet

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make links")

PUBLIC, API, RESOLVER = "203.0.113.7", "203.0.113.200", "10.0.0.53"
SETTINGS = {"SHIPD_NETWORK": "auto", "SHIPD_NETWORK_DENY": API, "SHIPD_NETWORK_RESOLVER": RESOLVER}


@pytest.fixture(scope="module")
def net() -> Iterator[Internet]:
    """An internet, whose host runs the platform."""
    with internet() as made:
        yield made


@pytest.fixture(scope="module")
def networked(net: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A platform on that host. It ends with the thread that started it, so that thread stays."""
    with ThreadPoolExecutor(1, initializer=namespace.enter, initargs=(net.host,)) as thread, ExitStack() as held:
        running = Stack(tmp_path_factory.mktemp("networked"), environ=SETTINGS, durable=False)
        thread.submit(held.enter_context, running).result()
        yield running
        thread.submit(held.close).result()


def send(net: Internet, client: Client, text: str, constraints: Mapping[str, object], **more: object) -> Answer:
    """Send Python text as a submission, and wait for the answer."""
    source = {"type": "code", "content": ASK + text}
    body = {"language": "python", "source": source, "constraints": dict(constraints), **more}
    return net.on_host(lambda: client.post("/v1/submissions?wait=60", body))


def said(answer: Answer) -> object:
    """What the program printed."""
    assert answer.status == 201, answer.body
    execution = answer.body["execution"]
    assert isinstance(execution, dict)
    assert execution["verdict"] == "OK", execution
    return json.loads(execution["stdout"])


def asking(targets: list[tuple[str, str, int]], patience_s: float = 10.0) -> str:
    """Python text that asks everywhere; where nobody answers for so long each."""
    return f"\nprint(json.dumps([ask(*target, {patience_s}) for target in {targets!r}]))"


def test_a_program_reaches_what_it_was_granted(net: Internet, networked: Stack) -> None:
    rules = [{"cidr": f"{PUBLIC}/32", "port": 80}]
    targets = [("tcp", PUBLIC, 80), ("tcp", PUBLIC, 443), ("udp", PUBLIC, 80)]
    answer = send(net, networked.client, asking(targets), {"network_enabled": True, "network_rules": rules})

    assert said(answer) == ["hello", "EHOSTUNREACH", "EPERM"]
    execution = answer.body["execution"]
    assert isinstance(execution, dict)
    telemetry = execution["test_results"][0]["telemetry"]
    assert telemetry["network_bytes"] > 0
    assert telemetry["sources"]["network_bytes"] == "veth"


def test_what_a_network_may_have_told_is_never_told_again(net: Internet, networked: Stack) -> None:
    def count(**constraints: object) -> tuple[int, list[object]]:
        text = "\nimport secrets; print(json.dumps(secrets.token_hex(8)))"
        answers = [send(net, networked.client, text, constraints, cache="execution") for _ in range(2)]
        executions = [answer.body["execution"] for answer in answers]
        return len({str(said(answer)) for answer in answers}), [
            execution["telemetry"]["execution_cache"] for execution in executions if isinstance(execution, dict)
        ]

    assert count(network_enabled=True) == (2, [None, None])
    assert count(network_enabled=True, network_rules=[]) == (2, [None, None])
    assert count() == (1, ["miss", "hit"])


def test_the_platform_itself_is_out_of_reach(net: Internet, networked: Stack) -> None:
    ports = [networked.ports[name] for name in ("api", "postgres", "valkey", "flower")]
    places = ["127.0.0.1", HOST, "198.18.0.0", API, "169.254.169.254", "::1", f"::ffff:{HOST}", "fd00:ec2::254"]
    targets = [("tcp", place, port) for place in places for port in ports]
    heard = len(net.at_beyond)
    constraints = {"network_enabled": True, "wall_timeout_ms": 60_000}

    answers = said(send(net, networked.client, asking(targets, 1.0), constraints))
    assert isinstance(answers, list)
    assert set(answers) <= {"ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "timeout"}
    assert len(net.at_beyond) == heard


def test_only_the_configured_resolver_is_asked(net: Internet, networked: Stack) -> None:
    targets = [("udp", RESOLVER, 53), ("udp", PUBLIC, 53), ("tcp", RESOLVER, 80)]
    answers = said(send(net, networked.client, asking(targets), {"network_enabled": True}))
    assert answers == ["hello", "EPERM", "EHOSTUNREACH"]


def test_without_the_wish_there_is_no_network(net: Internet, networked: Stack) -> None:
    heard = len(net.at_beyond)
    answers = said(send(net, networked.client, asking([("tcp", PUBLIC, 80), ("udp", RESOLVER, 53)]), {}))
    assert answers == ["ENETUNREACH", "ENETUNREACH"]
    assert len(net.at_beyond) == heard


def test_a_key_without_the_permission_is_refused(net: Internet, networked: Stack) -> None:
    def make() -> str:
        with closing(Database(networked.settings.database_url, min_size=0)) as db:
            return keys.create(db, name="plain", role="service")

    client = Client(networked.url, net.on_host(make))
    answer = send(net, client, asking([]), {"network_enabled": True})
    assert answer.status == 422
    assert "constraints.network_enabled" in json.dumps(answer.body)


def test_nothing_stays_on_the_host(net: Internet, networked: Stack) -> None:
    said(send(net, networked.client, asking([("tcp", PUBLIC, 80)]), {"network_enabled": True}))
    links = net.on_host(lambda: Path("/proc/thread-self/net/dev").read_text())
    assert "shipd" not in links
