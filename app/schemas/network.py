"""The rules of `constraints.network_rules`: what a program may reach."""

import re
from ipaddress import IPv4Network

from marshmallow import ValidationError, post_load, validates_schema

from app.schemas.complaints import Complaint, shown
from app.schemas.fields import Choice, Text, Whole
from app.schemas.parts import Items, Part, Value
from domain.network import MAX_PORTS, NetworkRule, Protocol

MAX_NAME_CHARS = 253
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# What a C library reads as an address in one of its older forms: 127.1, 0x7f.1, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_CIDR = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?")
PORT_FLOOR, PORT_CEILING = 1, 65_535


class HostName(Text):
    """A name that the worker resolves: letters, digits, dashes, dots; not an address in disguise."""

    def read(self, value: object) -> str:
        """Check its form; upper case and one dot at the end mean nothing."""
        name = super().read(value).lower().removesuffix(".")
        if not _NAME.fullmatch(name):
            hint = "use a full name such as example.org, xn--... where it is not ASCII; wildcards are not offered"
            raise ValidationError(Complaint(f"{shown(value)} is not a name of a host", hint))
        if _NUMBER.fullmatch(name.rpartition(".")[2]):
            hint = "write addresses as cidr: 203.0.113.7 or 203.0.113.0/24"
            raise ValidationError(Complaint(f"{shown(value)} is an address, not a name", hint))
        return name


class Cidr(Value[str]):
    """IPv4 addresses in CIDR notation, or one address."""

    def __init__(self) -> None:
        super().__init__({"type": "string", "pattern": f"^{_CIDR.pattern}$"})

    def read(self, value: object) -> str:
        """Parse it; one address becomes a /32."""
        hint = "use IPv4 such as 203.0.113.0/24 with no bits set behind the prefix; programs have no IPv6"
        if not isinstance(value, str) or not _CIDR.fullmatch(value):
            raise ValidationError(Complaint(f"{shown(value)} is not an IPv4 network", hint))
        try:
            return str(IPv4Network(value))
        except ValueError:
            raise ValidationError(Complaint(f"{shown(value)} is not an IPv4 network", hint)) from None


class RulePart(Part):
    """One thing that may be reached."""

    host = HostName(min_chars=1, max_chars=MAX_NAME_CHARS + 1, description="A name, resolved before the program runs.")
    cidr = Cidr()
    port = Whole(floor=PORT_FLOOR, ceiling=PORT_CEILING)
    ports = Items(Whole(floor=PORT_FLOOR, ceiling=PORT_CEILING), most=MAX_PORTS, description="Left out: every port.")
    protocol = Choice(*Protocol)

    @validates_schema
    def check_whole(self, data: dict[str, object], **_: object) -> None:
        """One of host and cidr, at most one of port and ports."""
        if ("host" in data) == ("cidr" in data):
            raise ValidationError(Complaint("needs exactly one of host and cidr", "name a host, or addresses as cidr"))
        if "port" in data and "ports" in data:
            raise ValidationError({"port": [Complaint("stands beside ports", "send one of the two")]})
        if data.get("ports") == []:
            raise ValidationError({"ports": [Complaint("must not be empty", "leave it out for every port")]})

    @post_load
    def make(self, data: dict[str, object], **_: object) -> NetworkRule:
        """Make the rule."""
        port = data.pop("port", None)
        ports = data.pop("ports", [] if port is None else [port])
        assert isinstance(ports, list)  # noqa: S101 - by its field
        data["protocol"] = Protocol(str(data.get("protocol", Protocol.TCP)))
        return NetworkRule(ports=tuple(ports), **data)  # type: ignore[arg-type]
