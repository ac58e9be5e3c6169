"""What a client may say over a WebSocket: `{"type": "stdin", "data": ...}` and `{"type": "eof"}`, and not too much."""

import json
import time

from marshmallow import ValidationError
from wsproto.frame_protocol import CloseReason

from app.schemas.fields import to_bytes

MAX_MESSAGE_BYTES = 64 * 1024
MAX_BYTES = 1024 * 1024
"""As much may be typed over one connection."""
MESSAGES_PER_S = 50
MESSAGES_AT_ONCE = 200
"""More than a person types, and than a program that plays one needs."""


class RefusedError(Exception):
    """The connection is closed, with this code and reason."""

    def __init__(self, code: CloseReason, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Allowance:
    """How much one connection may still say."""

    def __init__(self) -> None:
        self._messages = float(MESSAGES_AT_ONCE)
        self._bytes = MAX_BYTES
        self._at = time.monotonic()

    def take(self, size_bytes: int) -> None:
        """Count one message. Raises RefusedError."""
        now = time.monotonic()
        self._messages = min(MESSAGES_AT_ONCE, self._messages + (now - self._at) * MESSAGES_PER_S) - 1
        self._bytes -= size_bytes
        self._at = now
        if self._messages < 0:
            raise RefusedError(CloseReason.POLICY_VIOLATION, f"more than {MESSAGES_PER_S} messages a second")
        if self._bytes < 0:
            raise RefusedError(CloseReason.POLICY_VIOLATION, f"more than {MAX_BYTES} bytes were typed")


def read(text: str) -> bytes | None:
    """Give what was typed, None for the end of it. Raises RefusedError."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise RefusedError(CloseReason.INVALID_FRAME_PAYLOAD_DATA, "not JSON") from None
    match message:
        case {"type": "eof", **rest} if not rest:
            return None
        case {"type": "stdin", "data": data, **rest} if not rest:
            return _bytes(data)
    hint = 'send {"type": "stdin", "data": ...} or {"type": "eof"}'
    raise RefusedError(CloseReason.POLICY_VIOLATION, f"not a message that is known here; {hint}")


def _bytes(data: object) -> bytes:
    try:
        return to_bytes(data)
    except ValidationError:
        hint = 'send a string or {"base64": "..."}'
        raise RefusedError(CloseReason.POLICY_VIOLATION, f"`data` is not what it must be; {hint}") from None
