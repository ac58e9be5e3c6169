import io
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from standalone import demo
from standalone.client import Client
from standalone.examples import Example

USAGE = {"cpu_time_ms": 12, "wall_time_ms": 20, "memory_bytes": 3_000_000}
LANGUAGES = {
    "languages": [
        {"name": "python", "available": True, "install": None},
        {"name": "go", "available": False, "install": "apt-get install -y golang-go"},
    ]
}


class Api(BaseHTTPRequestHandler):
    """Answers like the API: every submission ends with the verdict that its source names."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(200, LANGUAGES)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != "Bearer key":
            self._send(401, {"message": "no key"})
        elif body["source"] == "slow":
            self._send(201, {"execution": {"state": "queued", "verdict": None, "test_results": []}})
        elif body["source"] == "bad":
            self._send(422, {"errors": ["[/] is no source"]})
        else:
            results = [{"usage": USAGE}, {"usage": USAGE}, {"usage": None}]
            self._send(201, {"execution": {"verdict": body["source"], "reason": "cpu", "test_results": results}})

    def _send(self, status: int, body: Mapping[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of an API that answers as told."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Client(f"http://127.0.0.1:{server.server_port}", "key")
        server.shutdown()
        thread.join()


def _example(source: str, *, language: str = "python", verdict: str = "AC") -> Example:
    request = {"language": language, "source": source}
    return Example(f"{source}-{language}", "One", language, verdict, request)


def _grades(client: Client, *examples: Example) -> list[demo.Grade]:
    return list(demo.grade(client, examples, demo.unavailable(client)))


def test_it_gives_the_verdict_and_what_was_spent(client: Client) -> None:
    grade = _grades(client, _example("TLE", verdict="TLE"))[0]
    assert grade.as_expected
    assert (grade.cpu_time_ms, grade.wall_time_ms, grade.memory_bytes) == (24, 40, 3_000_000)


def test_grades_come_in_the_order_of_their_examples(client: Client) -> None:
    verdicts = ["AC", "WA", "RTE", "CE", "OLE", "MLE"] * 3
    assert [grade.verdict for grade in _grades(client, *map(_example, verdicts))] == verdicts


def test_another_verdict_than_expected_is_none_that_it_should_get(client: Client) -> None:
    assert not _grades(client, _example("WA", verdict="AC"))[0].as_expected


def test_a_language_that_is_not_installed_is_skipped_with_the_line_that_installs_it(client: Client) -> None:
    grades = _grades(client, _example("AC", language="go@1.19"))
    assert not grades[0].as_expected
    remark = demo.remarks(grades, demo.unavailable(client))[0]
    assert remark.startswith("go is not available; install it:  ")
    assert remark.endswith("apt-get install -y golang-go")


def test_one_that_is_refused_or_not_done_in_time_is_told(client: Client) -> None:
    grades = _grades(client, _example("bad"), _example("slow"))
    bad, slow = demo.remarks(grades, {})
    assert bad.startswith("bad-python: HTTP 422:")
    assert slow == "slow-python: still queued after 60 s"


def test_the_table_shows_all_of_it(client: Client) -> None:
    grades = _grades(client, _example("TLE"), _example("AC", language="go"), _example("bad"))
    drawn = io.StringIO()
    Console(file=drawn, width=120).print(demo.table(grades))
    shown = drawn.getvalue()
    for text in ("TLE cpu", "24", "40", "skipped", "none"):
        assert text in shown


def test_a_wrong_key_is_told(client: Client) -> None:
    grade = _grades(Client(client.url, "other"), _example("AC"))[0]
    assert grade.note.startswith("HTTP 401")
