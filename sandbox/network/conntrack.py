"""Forget the connections of a jail's address: the kernel remembers some for days, and the next run gets the address.

One message of ctnetlink for each direction: delete what has this source there (CTA_FILTER, Linux 5.8).
"""

import os
import socket
import struct
from ipaddress import IPv4Address

from sandbox.result import SandboxError

_NETLINK_NETFILTER = 12
_CT_DELETE = (1 << 8) | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
_REQUEST_ACK = 0x1 | 0x4
_NLMSG_ERROR = 2
_NESTED = 0x8000
_TUPLE_IP, _IP_V4_SRC = 1, 1
_FILTER, _FILTER_IP_SRC = 25, 1 << 0
_FIRST_PACKETS = (1, 1)
"""CTA_TUPLE_ORIG and CTA_FILTER_ORIG_FLAGS."""
_ANSWERS = (2, 2)
"""CTA_TUPLE_REPLY and CTA_FILTER_REPLY_FLAGS."""
_HEADER = struct.Struct("=IHHII")
_FAMILY = struct.Struct("=BBH")  # struct nfgenmsg: family, version (1: only this family), resource
_ATTRIBUTE = struct.Struct("=HH")
_ERROR = struct.Struct("=i")


def forget(source: IPv4Address) -> None:
    """Delete every connection from and to this address, in the namespace of this thread. Raises SandboxError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as line:
        for direction in (_FIRST_PACKETS, _ANSWERS):
            line.send(request(source, direction))
            _check(line.recv(4096), source)


def _check(answer: bytes, source: IPv4Address) -> None:
    _, kind, _, _, _ = _HEADER.unpack_from(answer)
    error = _ERROR.unpack_from(answer, _HEADER.size)[0] if kind == _NLMSG_ERROR else 0
    if error:
        raise SandboxError(f"the kernel does not forget connections of {source}: {os.strerror(-error)}")


def request(source: IPv4Address, direction: tuple[int, int] = _FIRST_PACKETS) -> bytes:
    """Write the message for one direction (pure)."""
    tuple_kind, flags_kind = direction
    address = _attribute(_TUPLE_IP | _NESTED, _attribute(_IP_V4_SRC, source.packed))
    flags = _attribute(flags_kind, struct.pack("=I", _FILTER_IP_SRC))
    body = _FAMILY.pack(socket.AF_INET, 1, 0)
    body += _attribute(tuple_kind | _NESTED, address) + _attribute(_FILTER | _NESTED, flags)
    return _HEADER.pack(_HEADER.size + len(body), _CT_DELETE, _REQUEST_ACK, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return (_ATTRIBUTE.pack(length, kind) + value).ljust(-(-length // 4) * 4, b"\0")
