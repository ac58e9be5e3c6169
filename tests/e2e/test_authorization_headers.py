"""Who somebody is cannot be smuggled past the server in front of the application: bytes, sent to the real one."""

import socket
from urllib.parse import urlsplit

import pytest

from standalone.stack import Stack

TIMEOUT_S = 20
WRONG = "shipd_" + "0" * 12 + "_" + "0" * 64


def status(stack: Stack, *headers: str) -> int:
    """Send a request with these header lines as they are, and give the status of the answer."""
    where = urlsplit(stack.url)
    assert where.hostname is not None
    lines = ["GET /v1/me HTTP/1.1", "Host: shipd", "Connection: close", *headers, "", ""]
    with socket.create_connection((where.hostname, where.port or 80), TIMEOUT_S) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        return int(connection.makefile("rb").readline().split()[1])


def test_one_header_is_taken(stack: Stack) -> None:
    assert status(stack, f"Authorization: Bearer {stack.api_key}") == 200
    assert status(stack, f"aUTHORIZATION:bearer {stack.api_key}") == 200


@pytest.mark.parametrize(
    "headers",
    [
        ("Authorization: Bearer {good}", "Authorization: Bearer {good}"),
        ("Authorization: Bearer {good}", "Authorization: Bearer {wrong}"),
        ("Authorization: Bearer {wrong}", "Authorization: Bearer {good}"),
        ("Authorization: Bearer {wrong}", "AUTHORIZATION: Bearer {good}"),
        ("Authorization: Bearer {wrong}, Bearer {good}",),
        ("Authorization: Bearer {good},",),
        ("Authorization: Bearer {wrong}", "Authorization_: Bearer {good}"),
        ("Authorization: Bearer", " {good}"),
        ("Authorization : Bearer {good}",),
        ("Authorization: Bearer\t{good}",),
        ("Authorization: Bearer  {good}",),
        ("Authorization: Bearer {good}\0",),
        ("Authorization: Basic {good}",),
        ("Authorization: {good}",),
        ("HTTP_AUTHORIZATION: Bearer {good}",),
        ("Proxy-Authorization: Bearer {good}",),
        ("X-Forwarded-User: admin", "X-Remote-User: admin", "Remote-User: admin"),
        ("Cookie: key={good}",),
    ],
    ids=" / ".join,
)
def test_anything_else_is_refused(stack: Stack, headers: tuple[str, ...]) -> None:
    sent = [header.format(good=stack.api_key, wrong=WRONG) for header in headers]

    assert status(stack, *sent) in {400, 401}
