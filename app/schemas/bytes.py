"""Bytes on their way out: text where they are UTF-8, base64 where not, and cut where they are long."""

import base64

from domain.limits import MAX_SHOWN_BYTES

_CONTINUATION = 0b1000_0000
_CONTINUATION_MASK = 0b1100_0000


def shown_bytes(value: bytes, limit: int = MAX_SHOWN_BYTES) -> tuple[str | dict[str, str], bool]:
    """Give the JSON of a value, and whether it had to be cut.

    A string if the whole is valid UTF-8, even where only its beginning is shown: the cut then stands between two
    characters. Otherwise `{"base64": ...}` of the beginning.
    """
    truncated = len(value) > limit
    if not _is_utf8(value):
        return {"base64": base64.b64encode(value[:limit]).decode("ascii")}, truncated
    end = limit
    while truncated and value[end] & _CONTINUATION_MASK == _CONTINUATION:
        end -= 1
    return value[:end].decode(), truncated


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
