"""Giving a client's connection to another process: a message and a descriptor over a private unix socket.

A message is its length in four bytes and then the message; an empty one asks whether somebody is there. See the
package for the conversation.
"""

import os
import socket
import struct
from pathlib import Path

TIMEOUT_S = 2.0
"""How long either side waits for the other."""
MAX_MESSAGE_BYTES = 256 * 1024

_READY = b"r"
_GO = b"g"
_LENGTH = struct.Struct("!I")
_CREDENTIALS = struct.Struct("3i")


class MessageTooLargeError(OSError):
    """A message that nobody would take."""


def give(path: Path, message: bytes, client: socket.socket) -> None:
    """Give the connection of `client` away. Raises OSError where nobody takes it: then it is ours as before.

    Afterwards `client` is a connection that is broken already: whatever is done with it reaches nobody.
    """
    if len(message) > MAX_MESSAGE_BYTES:
        raise MessageTooLargeError(f"the message has {len(message)} bytes, more than {MAX_MESSAGE_BYTES}")
    with _connected(path) as way:
        whole = _LENGTH.pack(len(message)) + message
        sent = socket.send_fds(way, [whole], [client.fileno()])
        way.sendall(whole[sent:])
        if way.recv(1) != _READY:
            raise ConnectionResetError("the stream process took the connection, and let go of it")
        way.sendall(_GO)
    _break(client)


def ask(path: Path) -> bool:
    """Say whether a stream process answers at `path`."""
    try:
        with _connected(path) as way:
            way.sendall(_LENGTH.pack(0))
            return way.recv(1) == _READY
    except OSError:
        return False


def take(way: socket.socket) -> tuple[bytes, int] | None:
    """Take a message and its descriptor; None where somebody only asked. Raises OSError, with nothing taken.

    The descriptor's flags are not touched before its sender let go of it: they are the sender's as well.
    """
    way.settimeout(TIMEOUT_S)
    _check_other(way)
    data, descriptors, _, _ = socket.recv_fds(way, _LENGTH.size + MAX_MESSAGE_BYTES, 1)
    try:
        message = _rest(way, data)
        if message and len(descriptors) != 1:
            raise ConnectionResetError("a message came without a connection")
        way.sendall(_READY)
        if not message:
            return None
        if way.recv(1) != _GO:
            raise ConnectionResetError("whoever gave a connection kept it")
        return message, descriptors.pop()
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _connected(path: Path) -> socket.socket:
    way = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        way.settimeout(TIMEOUT_S)
        way.connect(os.fspath(path))
        _check_other(way)
    except BaseException:
        way.close()
        raise
    return way


def _check_other(way: socket.socket) -> None:
    """Raise PermissionError where the other end is another user's process, whatever the socket's mode and folder."""
    packed = way.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(packed)
    if user not in {0, os.geteuid()}:
        raise PermissionError(f"user {user} may neither give nor take connections")


def _rest(way: socket.socket, data: bytes) -> bytes:
    wanted = _LENGTH.size
    while True:
        if len(data) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data)
            if length > MAX_MESSAGE_BYTES:
                raise MessageTooLargeError(f"a message of {length} bytes, more than {MAX_MESSAGE_BYTES}")
            wanted = _LENGTH.size + length
            if len(data) >= wanted:
                return data[_LENGTH.size : wanted]
        more = way.recv(wanted - len(data))
        if not more:
            raise ConnectionResetError("a message ended in the middle")
        data += more


def _break(client: socket.socket) -> None:
    """Put a connection whose other end is closed in the place of this one, without a word to whom it was with.

    The server that accepted it will write an answer, shut it down and close it, or read a second request from it. All
    that must not happen to a connection that another process answers on: here it ends with the first write (EPIPE).
    """
    broken, gone = socket.socketpair()
    with broken, gone:
        os.dup2(broken.fileno(), client.fileno(), inheritable=False)
