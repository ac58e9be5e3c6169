"""How a delivery is signed (pure): as https://www.standardwebhooks.com says, so that receivers verify with a library.

webhook-id          the delivery's id, the same at every attempt
webhook-timestamp   seconds since 1970, of the attempt
webhook-signature   `v1,` and the HMAC-SHA256 of `ID.TIMESTAMP.BODY` in base64; several with spaces between them
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
KEY_BYTES = 32
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64
MIN_SECRET_CHARS, MAX_SECRET_CHARS = 8, 255


class BadSecret(ValueError):  # noqa: N818 - what it is, not that it is an error
    """The text cannot be a secret."""


def new_secret() -> str:
    """Make a secret that nobody guesses."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")


def key_of(secret: str) -> bytes:
    """Give the key: what `whsec_` has behind it in base64, else the text's own bytes. Raises BadSecret."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadSecret("has no base64 behind whsec_") from None
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise BadSecret(f"has {len(key)} bytes behind whsec_, not {MIN_KEY_BYTES} to {MAX_KEY_BYTES}")
    return key


def headers(delivery_id: str, timestamp: int, body: bytes, among: Sequence[str]) -> dict[str, str]:
    """Sign with every secret that counts at the time: while one is being replaced there are two."""
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(key_of(secret), signed) for secret in among),
    }


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")
