"""The platform's HTTP API as anyone outside sees it; never through a proxy, since it is on this machine."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

TIMEOUT_S = 90
"""Longer than the API holds an answer."""

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Answer:
    """What the API said: HTTP status and the JSON body, {} where there was none."""

    status: int
    body: Mapping[str, object]


class Client:
    """Sends JSON to one API with one key."""

    def __init__(self, url: str, api_key: str = "") -> None:
        self.url = url
        self._api_key = api_key

    def get(self, path: str) -> Answer:
        """Fetch `path`. Raises OSError when nobody answers."""
        return self._send(urllib.request.Request(self.url + path))  # noqa: S310 - the URL is our own

    def post(self, path: str, body: Mapping[str, object]) -> Answer:
        """Post `body` as JSON to `path`. Raises OSError when nobody answers."""
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return self._send(urllib.request.Request(self.url + path, data, headers))  # noqa: S310 - as above

    def delete(self, path: str) -> Answer:
        """Delete `path`. Raises OSError when nobody answers."""
        return self._send(urllib.request.Request(self.url + path, method="DELETE"))  # noqa: S310 - as above

    def _send(self, request: urllib.request.Request) -> Answer:
        if self._api_key:
            request.add_header("Authorization", f"Bearer {self._api_key}")
        try:
            with _opener.open(request, timeout=TIMEOUT_S) as response:
                return Answer(response.status, _json(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _json(error.read()))


def _json(data: bytes) -> Mapping[str, object]:
    try:
        body = json.loads(data)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {"": body}
