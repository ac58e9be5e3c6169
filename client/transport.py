"""What both clients do alike with httpx."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

import httpx

from client.flows import Call, Reply

TIMEOUT_S = 90.0
"""Longer than the API holds an answer, or is silent in a stream."""
CONNECT_S = 10.0
PIECE_BYTES = 1024 * 1024
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Options(TypedDict):
    """What an httpx client is made with."""

    base_url: str
    headers: Mapping[str, str]
    timeout: httpx.Timeout
    trust_env: bool


class Asked(TypedDict):
    """What httpx is asked."""

    method: str
    url: str
    params: Mapping[str, str | int | float]
    json: object
    headers: Mapping[str, str]


def options(url: str, api_key: str, timeout_s: float) -> Options:
    """Say how to connect: never through a proxy to this machine itself, and never on along a redirect."""
    return {
        "base_url": url,
        "headers": {"Authorization": f"Bearer {api_key}"} if api_key else {},
        "timeout": httpx.Timeout(timeout_s, connect=CONNECT_S),
        "trust_env": urlsplit(url).hostname not in _LOOPBACK,
    }


def asked(call: Call) -> Asked:
    """Give a call as httpx takes it."""
    return {
        "method": call.method,
        "url": call.path,
        "params": call.params,
        "json": call.body,
        "headers": call.headers,
    }


def pieces(path: Path) -> Iterator[bytes]:
    """Read a file that is sent, piece by piece. Raises OSError."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def reply(response: httpx.Response) -> Reply:
    """Take what was answered."""
    return Reply(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content
    )
