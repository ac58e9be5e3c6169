"""Streams and waits with the real two processes behind one port."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import psutil
import pytest

from domain import live
from domain.ids import new_id
from domain.live import Live
from standalone.stack import Stack
from streams import passing
from tests.e2e.listening import Connection, Heard, tell_end, teller
from tests.waiting import eventually

PRINTS = "print('hello')"
SLEEPS = "import time; time.sleep({})"
READS = "import sys; sys.stdin.read()"
OPENING = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture
def connect(stack: Stack) -> Iterator[Callable[..., Connection]]:
    """Open connections that are closed at the end."""
    made: list[Connection] = []

    def make(**options: int) -> Connection:
        made.append(Connection(stack.url, stack.api_key, **options))
        return made[-1]

    yield make
    for one in made:
        one.__exit__(None, None, None)


@pytest.fixture
def told(stack: Stack) -> Iterator[Live]:
    """Tell events as a worker does."""
    with closing(teller(stack.settings.redis_url)) as made:
        yield made


@pytest.fixture
def streams_again(stack: Stack) -> Iterator[None]:
    """Have the stream process back at the end."""
    yield
    if stack.supervisor.state("stream") == "STOPPED":
        stack.supervisor.run("stream")
    eventually(lambda: passing.ask(stack.settings.stream_socket))


def program(source: str) -> dict[str, object]:
    return {"language": "python", "source": {"type": "code", "content": source}}


def submit(stack: Stack, source: str = PRINTS, **more: object) -> tuple[str, UUID]:
    """Send a program, and give the ids of submission and execution."""
    body = stack.client.post("/v1/submissions", program(source) | more).body
    execution = body["execution"]
    assert isinstance(execution, dict)
    return str(body["id"]), UUID(execution["id"])


@pytest.fixture
def submit_long(stack: Stack) -> Iterator[Callable[[], tuple[str, UUID]]]:
    """Send programs that run for longer than a test takes, and cancel them at the end."""
    made: list[str] = []

    def send() -> tuple[str, UUID]:
        submission_id, execution_id = submit(stack, SLEEPS.format(100), constraints={"wall_timeout_ms": 120_000})
        made.append(submission_id)
        return submission_id, execution_id

    yield send
    for submission_id in made:
        assert stack.client.delete(f"/v1/submissions/{submission_id}").status == 200


@pytest.fixture
def sleeping(stack: Stack) -> tuple[str, UUID]:
    """The ids of a program that will be running for a while."""
    return submit(stack, SLEEPS.format(2))


def listen(connection: Connection, submission_id: str, **headers: str) -> Iterator[Heard]:
    connection.ask("GET", f"/v1/submissions/{submission_id}/events", **headers)
    status, found = connection.status()
    assert status == 200, connection.rest()
    assert found["content-type"].startswith("text/event-stream")
    return connection.events()


def test_it_works(stack: Stack, connect: Callable[..., Connection], sleeping: tuple[str, UUID]) -> None:
    events = list(listen(connect(), sleeping[0]))

    assert (events[0].name, events[0].id) == ("state", None)
    assert events[-1].name == "done"
    assert events[-1].data == {"state": "done", "verdict": "OK", "reason": None}
    ids = [live.place(event.id) for event in events if event.id is not None]
    assert ids == sorted(set(ids))  # type: ignore[type-var] # a place that was told is one
    assert stack.client.get(f"/v1/submissions/{sleeping[0]}").body["id"] == sleeping[0]


def test_one_that_is_final_ends_at_once_and_a_second_time_there_is_nothing(
    stack: Stack, connect: Callable[..., Connection]
) -> None:
    submission_id = str(stack.client.post("/v1/submissions?wait=20", program(PRINTS)).body["id"])
    events = list(listen(connect(), submission_id))
    assert [event.name for event in events] == ["state", "done"]

    again = connect()
    again.ask("GET", f"/v1/submissions/{submission_id}/events", Last_Event_ID=str(events[-1].id))
    assert again.status()[0] == 204


def test_whoever_is_cut_off_goes_on_without_gap_or_double(
    connect: Callable[..., Connection], told: Live, submit_long: Callable[[], tuple[str, UUID]]
) -> None:
    submission_id, execution_id = submit_long()
    first = connect()
    events = listen(first, submission_id)
    for number in range(3):
        told.append(execution_id, "output", {"offset": number})
    heard = [next(event for event in events if event.data.get("offset") == number) for number in range(3)]
    first.__exit__(None, None, None)
    for number in range(3, 50):
        told.append(execution_id, "output", {"offset": number})
    tell_end(told, execution_id)

    later = list(listen(connect(), submission_id, Last_Event_ID=str(heard[1].id)))

    assert [event.data["offset"] for event in later if event.name == "output"] == list(range(2, 50))
    assert later[-1].name == "done"


def test_two_hundred_listen_to_one_execution(
    connect: Callable[..., Connection], told: Live, submit_long: Callable[[], tuple[str, UUID]]
) -> None:
    submission_id, execution_id = submit_long()
    streams = [listen(connect(), submission_id) for _ in range(200)]
    assert {next(stream).name for stream in streams} == {"state"}
    for number in range(5):
        told.append(execution_id, "output", {"offset": number})
    tell_end(told, execution_id)

    all_heard = [[event.data.get("offset") for event in stream if event.name == "output"] for stream in streams]

    assert all_heard == [[0, 1, 2, 3, 4]] * 200


def test_a_client_that_does_not_read_is_dropped_and_others_are_not(
    connect: Callable[..., Connection], told: Live, submit_long: Callable[[], tuple[str, UUID]]
) -> None:
    submission_id, execution_id = submit_long()
    slow = connect(receive_bytes=4096)
    slow_events = listen(slow, submission_id)
    assert next(slow_events).name == "state"
    quick = listen(connect(), submission_id)
    assert next(quick).name == "state"
    # More than is kept for one that does not read, here and in the kernel; so many at once are kept for any.
    count, at_once, data = 160, 20, "x" * 20_000
    heard: list[object] = []
    with ThreadPoolExecutor(1) as reader:
        ended = reader.submit(lambda: heard.extend(event.data["offset"] for event in quick if event.name == "output"))
        for number in range(count):
            told.append(execution_id, "output", {"offset": number, "data": data})
            if (number + 1) % at_once == 0:
                eventually(lambda: len(heard) > number or ended.done())  # noqa: B023 - called at once
        tell_end(told, execution_id)
        with pytest.raises((EOFError, ConnectionError)):
            list(slow_events)

        ended.result()
        assert heard == list(range(count))


def test_a_wait_is_answered_alike_by_both_processes(connect: Callable[..., Connection], stack: Stack) -> None:
    def asked(source: str, path: str = "/v1/submissions?wait=20") -> tuple[int, dict[str, str], dict[str, object]]:
        connection = connect()
        connection.ask("POST", path, program(source))
        status, headers, body = connection.answer()
        return status, headers, json.loads(body)

    # A process gives an answer itself where the end comes soon; then the connection stays open.
    quick = eventually(lambda: answer if (answer := asked(PRINTS))[1]["connection"] == "keep-alive" else None)
    slow = asked(SLEEPS.format(2.5))

    assert (quick[0], slow[0]) == (201, 201)
    assert slow[1]["connection"] == "close"  # so it was the other process
    assert quick[1].keys() == slow[1].keys()
    for name in ("server", "content-type"):
        assert quick[1][name] == slow[1][name]
    assert slow[1]["location"] == f"/v1/submissions/{slow[2]['id']}"
    read = stack.client.get(f"/v1/submissions/{slow[2]['id']}")
    assert read.body == slow[2]
    assert asked(SLEEPS.format(1), "/execute")[0] == 200


def test_a_wait_ends_with_its_time_in_the_other_process_too(
    connect: Callable[..., Connection], submit_long: Callable[[], tuple[str, UUID]]
) -> None:
    """Up to three attempts: a machine that stalls may be late, or not come to give it away, but not each time."""
    submission_id, _ = submit_long()

    def is_in_time() -> bool:
        connection = connect()
        began = time.monotonic()
        connection.ask("GET", f"/v1/submissions/{submission_id}?wait=1")
        status, headers, body = connection.answer()
        took_s = time.monotonic() - began
        assert took_s >= 1
        assert status == 200
        assert json.loads(body)["execution"]["verdict"] is None
        return took_s < 2.5 and headers["connection"] == "close"

    assert any(is_in_time() for _ in range(3))


def test_more_wait_than_the_api_has_threads(stack: Stack, told: Live) -> None:
    """What else is asked meanwhile is answered at once."""
    eventually(lambda: connections(stack) == 0)
    submission_id, execution_id = submit(stack, READS, interactive=True, constraints={"wall_timeout_ms": 120_000})

    def wait(_: int) -> object:
        return stack.client.get(f"/v1/submissions/{submission_id}?wait=60").body["execution"]

    with ThreadPoolExecutor(150) as threads:
        waiting = [threads.submit(wait, number) for number in range(150)]
        eventually(lambda: connections(stack) >= 150)
        assert any(livez_took_s(stack) < 1 for _ in range(3))  # a machine that stalls does not do so each time
        assert not any(done.done() for done in waiting)
        told.type(execution_id, None)
        verdicts = {done.result()["verdict"] for done in waiting}  # type: ignore[index] # JSON

    assert verdicts == {"OK"}


def livez_took_s(stack: Stack) -> float:
    began = time.monotonic()
    assert stack.client.get("/livez").status == 200
    return time.monotonic() - began


def connections(stack: Stack) -> int:
    """Count those of clients that the stream process has."""
    return len(clients(stack, "stream"))


def clients(stack: Stack, program: str) -> list[int]:
    """List the ports of clients that a program has connections of."""
    port = stack.ports["api"]
    found = [one for process in processes(stack, program) for one in process.net_connections("tcp")]
    return [one.raddr.port for one in found if one.laddr.port == port and one.status != psutil.CONN_LISTEN]


def processes(stack: Stack, program: str = "stream") -> list[psutil.Process]:
    arbiter = psutil.Process(stack.supervisor.pid(program))
    return [arbiter, *arbiter.children(recursive=True)]


def await_given_away(stack: Stack, connection: Connection) -> None:
    """Wait until the API has given this connection to the stream process, and has it no more."""
    port = connection.socket.getsockname()[1]
    eventually(lambda: port in clients(stack, "stream") and port not in clients(stack, "api"))


@pytest.mark.usefixtures("streams_again")
def test_the_stream_process_is_killed_and_clients_go_on(connect: Callable[..., Connection], stack: Stack) -> None:
    submission_id, _ = submit(stack, SLEEPS.format(10))
    listener, waiter = connect(), connect()
    events = listen(listener, submission_id)
    heard = [next(events)]
    waiter.ask("GET", f"/v1/submissions/{submission_id}?wait=20")
    await_given_away(stack, waiter)
    for process in processes(stack):
        os.kill(process.pid, signal.SIGKILL)

    with pytest.raises((EOFError, ConnectionError)):
        heard.extend(events)
    assert waiter.rest() == b""
    # Nobody is there for a moment: waiting goes on in the API, and whoever listens is told to come back.
    again = connect()
    again.ask("GET", f"/v1/submissions/{submission_id}?wait=0.1")
    assert again.answer()[0] == 200
    eventually(lambda: passing.ask(stack.settings.stream_socket))
    last = [event.id for event in heard if event.id is not None][-1:]
    later = list(listen(connect(), submission_id, **({"Last_Event_ID": str(last[0])} if last else {})))

    assert later[-1].name == "done"
    assert not {event.id for event in later} & set(last)


@pytest.mark.usefixtures("streams_again")
def test_the_stream_process_is_stopped_in_order(connect: Callable[..., Connection], stack: Stack) -> None:
    submission_id, _ = submit(stack, SLEEPS.format(15))
    events = listen(connect(), submission_id)
    running = next(event for event in events if event.data.get("state") == "running")
    assert running.name == "state"
    waiter = connect()
    waiter.ask("GET", f"/v1/submissions/{submission_id}?wait=20")
    await_given_away(stack, waiter)
    began = time.monotonic()
    stack.supervisor.halt("stream")

    assert "done" not in {event.name for event in events}  # the stream ends, whole as far as it goes
    status, _, body = waiter.answer()
    assert (status, json.loads(body)["execution"]["state"]) == (200, "running")
    assert time.monotonic() - began < 9  # the program takes longer; a server that is not told to let go does after 10 s
    gone = connect()
    gone.ask("GET", f"/v1/submissions/{submission_id}/events")
    status, headers, _ = gone.answer()
    assert (status, headers["retry-after"]) == (503, "2")
    answer = stack.client.get(f"/v1/submissions/{submission_id}?wait=60")
    assert answer.body["execution"]["verdict"] == "OK"  # type: ignore[index] # JSON


def test_a_stream_process_that_hangs_has_no_say_in_the_answer(
    connect: Callable[..., Connection], stack: Stack, sleeping: tuple[str, UUID]
) -> None:
    _, worker = processes(stack)
    connection = connect()
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        connection.ask("GET", f"/v1/submissions/{sleeping[0]}?wait=20")
        status, headers, body = connection.answer()
    finally:
        os.kill(worker.pid, signal.SIGCONT)

    assert (status, headers["connection"]) == (200, "keep-alive")
    assert json.loads(body)["execution"]["verdict"] == "OK"
    # It goes on now, with the connection in its hands that it was never told to answer on.
    eventually(lambda: passing.ask(stack.settings.stream_socket))
    connection.ask("GET", "/livez", Connection="close")
    assert json.loads(connection.answer()[2]) == {"status": "ok", "checks": []}
    assert connection.rest() == b""


@pytest.mark.parametrize("rest", ["/events", "?wait=4"])
def test_a_second_request_behind_one_that_is_given_away_is_not_served(
    connect: Callable[..., Connection],
    told: Live,
    stack: Stack,
    submit_long: Callable[[], tuple[str, UUID]],
    rest: str,
) -> None:
    submission_id, execution_id = submit_long()
    smuggled_id = str(new_id())
    body = json.dumps({**program(PRINTS), "id": smuggled_id}).encode()
    both = connect()
    post = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    first, second = (
        both.head("GET", f"/v1/submissions/{submission_id}{rest}", {}),
        both.head("POST", "/v1/submissions", post),
    )
    both.socket.sendall(first + second + body)

    assert both.status()[0] == 200
    tell_end(told, execution_id)  # ends the events
    assert b"HTTP/1.1" not in both.rest()
    assert stack.client.get(f"/v1/submissions/{smuggled_id}").status == 404


@pytest.mark.parametrize("upgrade", [True, False])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_where_none_belongs_is_refused_and_not_read_as_a_request(
    connect: Callable[..., Connection], sleeping: tuple[str, UUID], *, upgrade: bool, chunked: bool
) -> None:
    one = connect()
    inner = one.head("GET", "/v1/languages", {})
    framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(inner))}
    data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner) if chunked else inner
    head = one.head("GET", f"/v1/submissions/{sleeping[0]}/events", (OPENING if upgrade else {}) | framing)
    one.socket.sendall(head + data + one.head("GET", "/livez", {"Connection": "close"}))

    assert one.answer()[0] == 400
    assert json.loads(one.answer()[2]) == {"status": "ok", "checks": []}
    assert one.rest() == b""


def test_huge_heads_stay_with_the_api(connect: Callable[..., Connection], sleeping: tuple[str, UUID]) -> None:
    for size, expected in ((6_000, {200}), (100_000, {503, 400, 431})):
        one = connect()
        many = {f"X-{number}": "x" * 6_000 for number in range(size // 6_000)}
        one.socket.sendall(one.head("GET", f"/v1/submissions/{sleeping[0]}/events", many))
        assert one.status()[0] in expected
    waiting = connect()
    many = {f"X-{number}": "x" * 6_000 for number in range(16)}
    waiting.socket.sendall(waiting.head("GET", f"/v1/submissions/{sleeping[0]}?wait=1", many))
    assert waiting.answer()[0] == 200


def test_others_see_nothing_and_the_socket_is_private(stack: Stack, connect: Callable[..., Connection]) -> None:
    unknown = connect()
    unknown.ask("GET", f"/v1/submissions/{new_id()}/events")
    assert unknown.answer()[0] == 404
    mode = stack.settings.stream_socket.stat().st_mode
    assert oct(mode & 0o777) == "0o600"


def test_an_old_client_hears_it_too(connect: Callable[..., Connection], sleeping: tuple[str, UUID]) -> None:
    """HTTP/1.0 knows no chunks: the stream ends with the connection."""
    old = connect()
    old.socket.sendall(old.head("GET", f"/v1/submissions/{sleeping[0]}/events", {}, version="1.0"))
    status, headers = old.status()

    assert status == 200
    assert "transfer-encoding" not in headers
    assert old.rest().decode().rstrip().endswith("}")
