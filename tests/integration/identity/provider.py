"""An identity provider in a process of its own: discovery, keys that rotate, and tokens. It prints its port.

What a test asks of it is a POST: `/token` signs what it is given, `/rotate` makes another key (and forgets the others
where it is told to), `/behave` has it misbehave from then on.
"""

import json
import sys
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, KeyParameters, RSAKey

lock = threading.Lock()
keys: list[RSAKey | ECKey] = []
asked = {"discovery": 0, "jwks": 0}
behaviour: dict[str, Any] = {}


def rotate(*, forget: bool = False, kind: str = "RSA") -> dict[str, object]:
    kid = f"key-{time.monotonic_ns()}"
    parameters: KeyParameters = {"kid": kid, "use": "sig"}
    made = RSAKey.generate_key(2048, parameters) if kind == "RSA" else ECKey.generate_key("P-256", parameters)
    with lock:
        keys[:] = [made] if forget else [*keys, made]
    return {"kid": kid, "public": made.as_pem(private=False).decode()}


def token(header: Mapping[str, Any], claims: dict[str, Any]) -> dict[str, object]:
    newest = keys[-1]
    alg = "RS256" if isinstance(newest, RSAKey) else "ES256"
    whole = {"typ": "JWT", "alg": alg, "kid": newest.kid} | dict(header)
    return {"token": jws.serialize_compact(whole, json.dumps(claims).encode(), newest)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        root = f"http://{self.headers['Host']}"
        path, _, rest = self.path.partition("/.well-known/")
        if rest == "openid-configuration":
            asked["discovery"] += 1
            about = {"issuer": root + path, "jwks_uri": f"{root}{path}/jwks"} | behaviour.get("discovery", {})
            self._misbehave(about)
        elif self.path.endswith("/jwks"):
            asked["jwks"] += 1
            listed = [key.as_dict(private=False) for key in keys] + behaviour.get("more_keys", [])
            self._misbehave({"keys": listed})
        elif self.path == "/asked":
            self._answer(asked)
        else:
            self._answer({}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/token":
            self._answer(token(body["header"], body["claims"]))
        elif self.path == "/rotate":
            self._answer(rotate(**body))
        else:
            behaviour.clear()
            behaviour.update(body)
            self._answer({})

    def _misbehave(self, answer: object) -> None:
        time.sleep(behaviour.get("sleep_s", 0))
        if "redirect" in behaviour:
            self.send_response(302)
            self.send_header("Location", behaviour["redirect"])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._answer(behaviour.get("instead", answer), behaviour.get("status", 200), behaviour.get("padding", 0))

    def _answer(self, body: object, status: int = 200, padding: int = 0) -> None:
        data = json.dumps(body).encode() + b" " * padding
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    rotate()
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
        server.daemon_threads = True
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
