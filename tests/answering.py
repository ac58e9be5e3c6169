"""An API that answers as told, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from client import Policy

IMPATIENT = Policy(attempts=3, first_pause_s=0.001, longest_pause_s=0.002)
Answers = list["Answer"]


@dataclass(frozen=True)
class Answer:
    """One answer; `breaks` closes the connection after the body, before what Content-Length promised."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: bool = False

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    """What was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: object


@dataclass
class Api:
    """Answers in the order of `answers`; the last one for ever."""

    url: str
    answers: Answers = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _handler(api: Callable[[], Api]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(sent) if sent and "json" in headers.get("content-type", "json") else sent or None
            api().asked.append(Asked(self.command, self.path, headers, body))
            answer = api().next()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.data) + answer.breaks))
            self.end_headers()
            self.wfile.write(answer.data)
            self.close_connection = answer.breaks

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    return Handler


@contextmanager
def answering() -> Iterator[Api]:
    """Serve one on a port of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: made)) as server:
        made = Api(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()
