"""A receiver of what is told to Sentry: takes envelopes over HTTP, as Sentry would, and keeps their bytes."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Envelopes:
    """What came, uncompressed; headers of the requests too."""

    port: int = 0
    raw: list[bytes] = field(default_factory=list)

    @property
    def dsn(self) -> str:
        """What SENTRY_DSN is to be."""
        return f"http://{'5e' * 16}@127.0.0.1:{self.port}/1"

    def events(self) -> list[dict[str, Any]]:
        """Give the errors."""
        return [
            json.loads(line)
            for raw in list(self.raw)
            for line in raw.splitlines()
            if line.startswith(b'{"') and b'"platform"' in line
        ]

    def errors(self, kind: str) -> list[dict[str, Any]]:
        """Give those with an exception of this type."""
        return [
            event
            for event in self.events()
            if kind in {one["type"] for one in event.get("exception", {"values": []})["values"]}
        ]


@contextmanager
def receiving() -> Iterator[Envelopes]:
    """Serve one."""
    found = Envelopes()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.raw.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            found.raw.append(str(self.headers).encode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()
