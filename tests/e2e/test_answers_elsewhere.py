"""Answers that are waited for in the stream process, against those of the API: nobody can tell them apart."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import UUID

import pytest

from domain import keys
from domain.db import Database
from domain.key_limits import KeyLimits
from standalone.stack import Stack
from tests.e2e.listening import Connection
from tests.waiting import eventually

SLEEPS = "import time; time.sleep({}); print('woken')"
LASTS_S = 2.5
"""The API waits for half a second by itself: a program is not over by then, however late a thread wakes up."""
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OF_ONE_ANSWER = {"date", "connection", "x-request-id", "traceparent"}

Asked = tuple[int, dict[str, str], bytes]


@pytest.fixture
def key(stack: Stack) -> Iterator[str]:
    """A key with a rate, so that answers say what is left of it."""
    with closing(Database(stack.settings.database_url, max_size=1)) as db:
        made = keys.create(db, name="waits", role="service")
        prefix = made.split("_")[1]
        keys.limit(db, prefix, KeyLimits(rate="1000/minute"))
        yield made
        keys.revoke(db, prefix)


@pytest.fixture
def ask(stack: Stack, key: str) -> Iterator[Callable[..., Asked]]:
    """Send a request on a connection of its own, and give the whole answer."""
    made: list[Connection] = []

    def send(method: str, path: str, body: object = None, **headers: str) -> Asked:
        made.append(Connection(stack.url, key))
        made[-1].ask(method, path, body, **headers)
        return made[-1].answer()

    yield send
    for one in made:
        one.__exit__(None, None, None)


def program(seconds: float) -> dict[str, object]:
    return {"language": "python", "source": {"type": "code", "content": SLEEPS.format(seconds)}}


def submit(ask: Callable[..., Asked], seconds: float) -> str:
    return f"/v1/submissions/{json.loads(ask('POST', '/v1/submissions', program(seconds))[2])['id']}"


def at_once(ask: Callable[..., Asked]) -> Asked | None:
    """Send a program and give the answer, where it ended so soon that the process that was asked gave it itself."""
    answer = ask("POST", "/v1/submissions?wait=20", program(0))
    return answer if answer[1]["connection"] == "keep-alive" else None


def lasting(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OF_ONE_ANSWER}


def test_a_new_one_has_all_headers(ask: Callable[..., Asked], stack: Stack) -> None:
    sent = {"X_Request_ID": "waits-elsewhere", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    quick = eventually(lambda: at_once(ask))
    status, headers, body = ask("POST", "/v1/submissions?wait=20", program(LASTS_S), **sent)

    assert headers["connection"] == "close"  # so it was the other process
    assert (status, headers.keys()) == (quick[0], quick[1].keys())
    differing = {name for name, value in lasting(headers).items() if quick[1][name] != value}
    assert differing <= {"content-length", "location", "ratelimit", "ratelimit-remaining", "ratelimit-reset"}
    assert headers["ratelimit-limit"] == "1000"
    assert int(headers["ratelimit-remaining"]) == int(quick[1]["ratelimit-remaining"]) - 1
    assert headers["x-request-id"] == "waits-elsewhere"
    assert headers["traceparent"].split("-")[1] == TRACE
    assert json.loads(body)["execution"]["stdout"] == "woken\n"
    log = stack.folder / "logs" / "stream.log"
    eventually(lambda: '"request_id":"waits-elsewhere"' in log.read_text())
    (line,) = [line for line in log.read_text().splitlines() if '"request_id":"waits-elsewhere"' in line]
    said = json.loads(line)
    assert (said["trace_id"], said["span_id"]) == tuple(headers["traceparent"].split("-")[1:3])
    assert str(UUID(said["owner_id"])) == said["owner_id"]


def test_one_that_is_read_is_the_same_to_the_byte(ask: Callable[..., Asked]) -> None:
    fields = "fields=id,execution.verdict,execution.stdout"
    path = submit(ask, LASTS_S)
    status, headers, body = ask("GET", f"{path}?wait=20&{fields}")
    again = ask("GET", f"{path}?{fields}")

    assert (headers["connection"], again[1]["connection"]) == ("close", "keep-alive")
    assert (status, lasting(headers), body) == (again[0], lasting(again[1]), again[2])
    assert headers["etag"].startswith('W/"')
    assert headers["cache-control"] == "private, no-cache"
    assert json.loads(body)["execution"] == {"verdict": "OK", "stdout": "woken\n"}


def test_who_has_it_already_is_told_so(ask: Callable[..., Asked]) -> None:
    path = submit(ask, 8)
    eventually(lambda: json.loads(ask("GET", path)[2])["execution"]["state"] == "running")
    known = ask("GET", path)[1]["etag"]
    unchanged = ask("GET", f"{path}?wait=3", If_None_Match=known)
    changed = ask("GET", f"{path}?wait=20", If_None_Match=known)

    assert (unchanged[0], unchanged[1]["etag"], unchanged[1]["connection"]) == (304, known, "close")
    assert (changed[0], changed[1]["connection"]) == (200, "close")
    assert changed[1]["etag"] != known


def test_batches_are_waited_for_there(ask: Callable[..., Asked]) -> None:
    submissions = [program(LASTS_S), {"language": "cobol"}]
    status, headers, body = ask("POST", "/v1/batches?wait=20", {"submissions": submissions})
    batch = json.loads(body)

    assert (status, headers["connection"], headers["location"]) == (201, "close", batch["links"]["self"])
    assert (batch["done"], [item["status"] for item in batch["items"]]) == (True, [201, 422])
    assert batch["items"][1]["error"]["fields"]
    assert headers["ratelimit-remaining"] == "999"


def test_a_batch_is_read_and_told_there(ask: Callable[..., Asked], stack: Stack, key: str) -> None:
    path = json.loads(ask("POST", "/v1/batches", {"submissions": [program(0), program(5)]})[2])["links"]["self"]
    with Connection(stack.url, key) as lines:
        lines.ask("GET", f"{path}/results")
        status, headers = lines.status()
        told = [json.loads(line) for line in lines.chunks()]
    assert (status, headers["connection"], headers["content-type"]) == (200, "close", "application/x-ndjson")
    assert [line["index"] for line in told] == [0, 1]

    path = json.loads(ask("POST", "/v1/batches", {"submissions": [program(LASTS_S)]})[2])["links"]["self"]
    _, waited, body = ask("GET", f"{path}?wait=20")
    _, read, same = ask("GET", path)
    assert (waited["connection"], read["connection"]) == ("close", "keep-alive")
    assert (lasting(waited), body) == (lasting(read), same)
    assert json.loads(body)["done"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/compat/judge0/submissions?wait=true", {"language_id": 71, "source_code": SLEEPS.format(LASTS_S)}),
        (
            "/compat/piston/api/v2/execute",
            {"language": "python", "version": "*", "files": [{"content": SLEEPS.format(LASTS_S)}]},
        ),
    ],
)
def test_other_protocols_wait_there_too(ask: Callable[..., Asked], path: str, body: object) -> None:
    status, headers, said = ask("POST", path, body)

    assert (status // 100, headers["connection"]) == (2, "close")
    told = json.loads(said)
    assert told.get("run", told)["stdout"] == "woken\n"
    assert headers["ratelimit-limit"] == "1000"
