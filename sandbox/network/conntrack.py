"""Forget the connections of a jail's address: the kernel remembers some for days, and the next run gets the address.

ctnetlink is asked for the connections with this source, in each direction (CTA_FILTER, Linux 5.8), and told to delete
each by its tuple. Only since Linux 6.11 does it delete by a filter itself.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address

from sandbox.result import SandboxError

_NETLINK_NETFILTER = 12
_CTNETLINK = 1 << 8  # NFNL_SUBSYS_CTNETLINK
_GET, _DELETE = _CTNETLINK | 1, _CTNETLINK | 2
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NESTED = 0x8000
_TUPLE_IP, _IP_V4_SRC = 1, 1
_TUPLE_ORIG, _FILTER, _FILTER_IP_SRC = 1, 25, 1 << 0
_FIRST_PACKETS = (1, 1)
"""CTA_TUPLE_ORIG and CTA_FILTER_ORIG_FLAGS."""
_ANSWERS = (2, 2)
"""CTA_TUPLE_REPLY and CTA_FILTER_REPLY_FLAGS."""
_HEADER = struct.Struct("=IHHII")
_FAMILY = struct.Struct("=BBH")  # struct nfgenmsg: family, version, resource
_ATTRIBUTE = struct.Struct("=HH")
_ERROR = struct.Struct("=i")
_LARGEST = 1 << 16
"""Bytes; the kernel writes a dump in datagrams of at most 32 KiB."""


def forget(source: IPv4Address) -> None:
    """Delete every connection from and to this address, in the namespace of this thread. Raises SandboxError."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as line:
            for direction in (_FIRST_PACKETS, _ANSWERS):
                for connection in _ask(line, listing(source, direction)):
                    _delete(line, first_tuple(connection))
    except OSError as error:
        hint = " (modprobe nf_conntrack_netlink)" if error.errno == errno.EINVAL else ""
        reason = error.strerror or "a message without a connection's tuple"
        raise SandboxError(f"the kernel does not forget connections of {source}: {reason}{hint}") from error


def _delete(line: socket.socket, connection: bytes) -> None:
    try:
        _ask(line, _message(_DELETE, _REQUEST | _ACK, _attribute(_TUPLE_ORIG | _NESTED, connection)))
    except FileNotFoundError:
        return  # it came to its own end meanwhile


def _ask(line: socket.socket, request: bytes) -> list[bytes]:
    """Send a request and read all that is said to it: the bodies of messages. Raises OSError."""
    line.send(request)
    bodies = []
    while True:
        for kind, body in messages(line.recv(_LARGEST)):
            if kind not in (_NLMSG_ERROR, _NLMSG_DONE):
                bodies.append(body)
                continue
            error = -_ERROR.unpack_from(body)[0]
            if error:
                raise OSError(error, os.strerror(error))
            return bodies


def messages(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    """Take a datagram apart: kind and body of each message (pure)."""
    while datagram:
        length, kind, _, _, _ = _HEADER.unpack_from(datagram)
        yield kind, datagram[_HEADER.size : length]
        datagram = datagram[_aligned(length) :]


def first_tuple(connection: bytes) -> bytes:
    """Find the tuple of the first packets in the body of a message: what a connection is deleted by. Raises OSError."""
    rest = connection[_FAMILY.size :]
    while rest:
        length, kind = _ATTRIBUTE.unpack_from(rest)
        if kind & ~_NESTED == _TUPLE_ORIG:
            return rest[_ATTRIBUTE.size : length]
        rest = rest[_aligned(length) :]
    raise OSError("a connection without its tuple")


def listing(source: IPv4Address, direction: tuple[int, int] = _FIRST_PACKETS) -> bytes:
    """Write the question for the connections of one direction (pure)."""
    tuple_kind, flags_kind = direction
    address = _attribute(_TUPLE_IP | _NESTED, _attribute(_IP_V4_SRC, source.packed))
    flags = _attribute(flags_kind, struct.pack("=I", _FILTER_IP_SRC))
    wanted = _attribute(tuple_kind | _NESTED, address) + _attribute(_FILTER | _NESTED, flags)
    return _message(_GET, _REQUEST | _DUMP, wanted)


def _message(kind: int, flags: int, attributes: bytes) -> bytes:
    body = _FAMILY.pack(socket.AF_INET, 0, 0) + attributes
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return (_ATTRIBUTE.pack(length, kind) + value).ljust(_aligned(length), b"\0")


def _aligned(length: int) -> int:
    """Round up to the four bytes that messages and attributes begin at."""
    return -(-length // 4) * 4
