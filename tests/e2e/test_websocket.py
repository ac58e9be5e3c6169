"""Events over a WebSocket, with a published client on the other end."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import redis
import websocket
from websocket import ABNF, WebSocket

from standalone.stack import Stack
from tests.e2e.listening import tell_end, teller
from tests.waiting import eventually

TIMEOUT_S = 20


def submit(stack: Stack, seconds: float = 1.5, **more: object) -> tuple[str, UUID]:
    """Send a program that runs for a while, and give the ids of submission and execution."""
    return send(stack, f"import time; time.sleep({seconds})", **more)


def send(stack: Stack, program: str, **more: object) -> tuple[str, UUID]:
    source = {"type": "code", "content": program}
    body = stack.client.post("/v1/submissions", {"language": "python", "source": source, **more}).body
    execution = body["execution"]
    assert isinstance(execution, dict)
    return str(body["id"]), UUID(execution["id"])


@pytest.fixture(scope="module")
def running(stack: Stack) -> Iterator[str]:
    """The id of a program that runs for longer than all tests here take, and that none waits for."""
    submission_id = submit(stack, 500, interactive=True, constraints={"wall_timeout_ms": 600_000})[0]
    yield submission_id
    assert stack.client.delete(f"/v1/submissions/{submission_id}").status == 200


def url(stack: Stack, submission_id: str, query: str = "") -> str:
    return f"{stack.url.replace('http', 'ws')}/v1/submissions/{submission_id}/events{query}"


@pytest.fixture
def connect(stack: Stack) -> Iterator[Callable[..., WebSocket]]:
    """Open WebSockets that are closed at the end."""
    made: list[WebSocket] = []

    def make(submission_id: str, query: str = "", **options: object) -> WebSocket:
        own: dict[str, Any] = {"header": [f"Authorization: Bearer {stack.api_key}"], "suppress_origin": True}
        own |= options
        made.append(websocket.create_connection(url(stack, submission_id, query), timeout=TIMEOUT_S, **own))
        return made[-1]

    yield make
    for one in made:
        one.shutdown()  # type: ignore[no-untyped-call] # websocket-client types only some


def messages(socket: WebSocket) -> Iterator[dict[str, object]]:
    """Give messages up to the end."""
    while (found := socket.recv_data())[0] == ABNF.OPCODE_TEXT:
        yield json.loads(found[1])


def closed_with(socket: WebSocket) -> tuple[int, str]:
    """Pass over messages, and give the code and the reason of the end."""
    while True:
        opcode, data = socket.recv_data()
        if opcode == ABNF.OPCODE_CLOSE:
            return int.from_bytes(data[:2], "big"), data[2:].decode()


def test_it_works(stack: Stack, connect: Callable[..., WebSocket]) -> None:
    submission_id, _ = submit(stack)
    heard = list(messages(connect(submission_id)))

    assert all(set(message) == {"id", "event", "data"} for message in heard)
    assert (heard[0]["id"], heard[0]["event"]) == (None, "state")
    assert heard[-1]["event"] == "done"
    assert heard[-1]["data"] == {"state": "done", "verdict": "OK", "reason": None}


def test_it_closes_when_it_is_done(stack: Stack, connect: Callable[..., WebSocket]) -> None:
    assert closed_with(connect(submit(stack, 0.5)[0])) == (1000, "done")


def test_a_browser_goes_on_where_it_was(stack: Stack, connect: Callable[..., WebSocket]) -> None:
    submission_id, execution_id = submit(stack, 30)
    told = teller(stack.settings.redis_url)
    for number in range(3):
        told.append(execution_id, "output", {"offset": number})
    offered = {"header": [], "subprotocols": ["shipd", f"bearer.{stack.api_key}"], "suppress_origin": False}
    first = connect(submission_id, **offered)
    assert first.getsubprotocol() == "shipd"
    last = next(message for message in messages(first) if message["data"] == {"offset": 1})
    first.close()

    second = connect(submission_id, f"?last_event_id={last['id']}", **offered)
    tell_end(told, execution_id)
    told.close()

    offsets = [message["data"] for message in messages(second) if message["event"] == "output"]
    assert offsets == [{"offset": 2}]
    assert stack.client.delete(f"/v1/submissions/{submission_id}").status == 200  # it runs on


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"header": []}, 401),
        ({"header": ["Authorization: Bearer nobody"]}, 401),
        ({"header": [], "subprotocols": ["shipd"]}, 401),
        ({"suppress_origin": False, "origin": "https://elsewhere.example"}, 403),
    ],
)
def test_who_may_not_listen_is_told_so(
    connect: Callable[..., WebSocket], running: str, options: dict[str, object], status: int
) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        connect(running, **options)

    assert refused.value.status_code == status


READS = "import sys; print(sys.stdin.buffer.read())"
GAME = """
import sys
print("guess?")
while (line := input()) != "7":
    print("higher" if int(line) < 7 else "lower")
print("right", file=sys.stderr)
"""


def test_what_is_typed_is_passed_on(stack: Stack, connect: Callable[..., WebSocket]) -> None:
    submission_id, execution_id = send(stack, READS, interactive=True)
    name = f"shipd:stdin:{execution_id}"
    socket = connect(submission_id)
    socket.send('{"type": "stdin", "data": "3 4\\n"}')
    socket.send('{"type": "stdin", "data": {"base64": "/wA="}}')
    with redis.Redis.from_url(stack.settings.redis_url) as client:
        eventually(lambda: client.xlen(name) == 2)
        assert 0 < client.ttl(name) <= 3600
        socket.send('{"type": "eof"}')
        assert closed_with(socket)[0] == 1000
        eventually(lambda: not client.exists(name))

    execution = stack.client.get(f"/v1/submissions/{submission_id}").body["execution"]
    assert isinstance(execution, dict)
    assert execution["stdout"] == "b'3 4\\n\\xff\\x00'\n"


def test_a_game_is_played_from_the_first_to_the_last_byte(stack: Stack, connect: Callable[..., WebSocket]) -> None:
    submission_id, _ = send(stack, GAME, interactive=True)
    socket = connect(submission_id)
    heard = messages(socket)
    said: list[dict[str, Any]] = []

    def until_written(text: str, stream: str = "stdout") -> None:
        while text not in written(said, stream):
            said.append(next(heard))
            assert said[-1]["event"] != "done", said

    until_written("guess?\n")
    for guess, answer in (("3\n", "higher\n"), ("9", ""), ("\n", "lower\n")):
        socket.send(json.dumps({"type": "stdin", "data": guess}))
        until_written(answer)
    socket.send(json.dumps({"type": "stdin", "data": {"base64": "Nwo="}}))
    said += heard

    assert (written(said, "stdout"), written(said, "stderr")) == ("guess?\nhigher\nlower\n", "right\n")
    assert said[-1]["event"] == "done"
    assert said[-1]["data"] == {"state": "done", "verdict": "OK", "reason": None}
    execution = stack.client.get(f"/v1/submissions/{submission_id}").body["execution"]
    assert isinstance(execution, dict)
    assert execution["stdout"] == "guess?\nhigher\nlower\n"


def written(said: list[dict[str, Any]], stream: str) -> str:
    """Put together what was told of a stream, each piece at its offset."""
    whole = ""
    for data in (one["data"] for one in said if one["event"] == "output" and one["data"]["stream"] == stream):
        assert data["offset"] == len(whole)
        whole += data["data"]
    return whole


def test_one_that_is_not_interactive_reads_nothing_that_is_typed(
    stack: Stack, connect: Callable[..., WebSocket]
) -> None:
    socket = connect(submit(stack, 3)[0])
    socket.send('{"type": "stdin", "data": "7"}')

    assert closed_with(socket) == (1008, "this submission is not interactive: it reads no stdin")


def test_one_that_is_cancelled_ends_its_listeners(stack: Stack, connect: Callable[..., WebSocket]) -> None:
    """Up to three attempts to be told: a machine that stalls may have PostgreSQL asked before, but not each time."""
    cancelled = {"state": "cancelled", "verdict": None, "reason": None}

    def ends() -> list[object]:
        submission_id, _ = submit(stack, 30)
        heard = messages(connect(submission_id))
        assert next(heard)["event"] == "state"
        assert stack.client.delete(f"/v1/submissions/{submission_id}").status == 200
        found = [message["event"] for message in heard if message["data"] == cancelled]
        assert found[-1:] == ["done"]
        return found

    # Whoever has to ask PostgreSQL for the end hears a state before it.
    assert any(ends() == ["done"] for _ in range(3))


def big(socket: WebSocket) -> None:
    socket.send(json.dumps({"type": "stdin", "data": "x" * 70_000}))


def big_in_pieces(socket: WebSocket) -> None:
    for number in range(20):
        opcode = ABNF.OPCODE_CONT if number else ABNF.OPCODE_TEXT
        socket.send_frame(ABNF.create_frame("x" * 5_000, opcode, fin=0))


def many(socket: WebSocket) -> None:
    for _ in range(1000):
        socket.send('{"type": "stdin", "data": ""}')


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (lambda socket: socket.send("hello"), 1007),
        (lambda socket: socket.send('{"type": "resize", "rows": 24}'), 1008),
        (lambda socket: socket.send_binary(b"\x00"), 1003),
        (big, 1009),
        (big_in_pieces, 1009),
        (many, 1008),
        (lambda socket: socket.send_frame(ABNF(1, 1, 0, 0, ABNF.OPCODE_TEXT, 1, "x")), 1002),
    ],
)
def test_whoever_says_anything_else_is_closed(
    connect: Callable[..., WebSocket], running: str, say: Callable[[WebSocket], None], code: int
) -> None:
    socket = connect(running)
    try:
        say(socket)
    except ConnectionError:
        pytest.fail("it was cut off without a word")

    found, reason = closed_with(socket)
    assert found == code
    assert reason


def test_a_ping_is_answered(connect: Callable[..., WebSocket], running: str) -> None:
    socket = connect(running)
    socket.ping("are you there")
    opcode, data = -1, b""
    while opcode != ABNF.OPCODE_PONG:
        opcode, data = socket.recv_data(control_frame=True)

    assert data == b"are you there"


def test_whoever_closes_is_let_go_at_once(connect: Callable[..., WebSocket], running: str) -> None:
    """Up to three attempts to be in time: a machine that stalls does not do so each time."""

    def let_go_after_s() -> float:
        socket = connect(running)
        began = time.monotonic()
        socket.send_close()
        code, _ = closed_with(socket)
        took_s = time.monotonic() - began
        assert code == 1000
        return took_s

    assert any(let_go_after_s() < 1.5 for _ in range(3))
