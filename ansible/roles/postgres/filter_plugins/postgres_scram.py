"""A password as PostgreSQL keeps it, so that no password is ever in a statement, in a log, or on that machine."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

ITERATIONS = 4096
SALT_BYTES = 16


def postgres_scram(password: str, whose: str) -> str:
    """Give PostgreSQL's SCRAM-SHA-256 form of a password (RFC 5803); the same each time, or each run would change it.

    The salt needs to differ from role to role and from server to server and is no secret: it is made of `whose`.
    Raises ValueError for a password that would have to be prepared first (RFC 4013).
    """
    if not password.isascii() or not password.isprintable():
        raise ValueError("a password for PostgreSQL must be printable ASCII")
    salt = hashlib.sha256(b"shipd postgres " + whose.encode()).digest()[:SALT_BYTES]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(_sign(salted, b"Client Key")).digest()
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(_sign(salted, b'Server Key'))}"


def _sign(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, said, "sha256")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Mapping[str, Callable[[str, str], str]]:
        """Give the filters by name."""
        return {"postgres_scram": postgres_scram}
