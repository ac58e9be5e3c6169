"""A receiver of webhooks as a process of its own: what it does to a request stands in the path.

    python receiver.py LOG [CERTIFICATE]

It prints its port, and writes each request as a line of JSON to LOG.
"""

import contextlib
import json
import ssl
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

LOG = Path(sys.argv[1])
SEEN: Counter[str] = Counter()
LOCK = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = urlsplit(self.path)
        with LOCK:
            SEEN[self.path] += 1
            with LOG.open("a") as log:
                line = {"path": self.path, "headers": dict(self.headers.items()), "body": body.decode()}
                log.write(json.dumps(line) + "\n")
        self.close_connection = True
        with contextlib.suppress(OSError):
            getattr(self, asked.path.strip("/").replace("-", "_"))(parse_qs(asked.query))

    def ok(self, _: object) -> None:
        self._answer(200, b"thank you")

    def fail(self, _: object) -> None:
        self._answer(500, b"x" * 100_000)

    def gone(self, _: object) -> None:
        self._answer(410, b"")

    def flaky(self, query: dict[str, list[str]]) -> None:
        """Fail so often, then take it."""
        self._answer(503 if SEEN[self.path] <= int(query["times"][0]) else 204, b"")

    def redirect(self, query: dict[str, list[str]]) -> None:
        self.wfile.write(f"HTTP/1.1 307 Over There\r\nLocation: {query['to'][0]}\r\nContent-Length: 0\r\n\r\n".encode())

    def hang(self, _: object) -> None:
        time.sleep(60)

    def hold(self, query: dict[str, list[str]]) -> None:
        """Answer once there is a file of this name."""
        until = Path(query["until"][0])
        while not until.exists():
            time.sleep(0.02)
        self._answer(200, b"")

    def trickle(self, _: object) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
            self.wfile.write(bytes([byte]))
            time.sleep(0.05)

    def informational(self, _: object) -> None:
        while True:
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    def flood(self, _: object) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            self.wfile.write(b"a" * 65536)

    def flood_headers(self, _: object) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wfile.write(b"X-More: " + b"a" * 8000 + b"\r\n")

    def close(self, _: object) -> None:
        pass

    def garbage(self, _: object) -> None:
        self.wfile.write(b"220 mail.example.org ESMTP\r\n")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Whoever cannot speak TLS, or hangs up, is no news."""


server = Server(("127.0.0.1", 0), Receiver)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
sys.stdout.write(f"{server.server_port}\n")
sys.stdout.flush()
server.serve_forever()
