"""Typed reading of environment variables, each wrong value an error that says how to mend it."""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

_ORIGIN = re.compile(r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?")


class Reader:
    """Reads one environment. Every method raises ValueError naming the variable, the fault and what is accepted.

    An empty variable counts as one that is not set.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        """Read a variable, None where it is not set."""
        return self._environ.get(name) or None

    def secret(self, name: str) -> str | None:
        """Read a variable, or the file that `<name>_FILE` names, without the file's last newline."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if path is None:
            return value
        if value is not None:
            raise ValueError(f"{name} and {name}_FILE are both set; set one of them")
        try:
            return Path(path).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{name}_FILE: cannot read {path}: {error}; name a readable text file") from error

    def url(self, name: str, schemes: Sequence[str]) -> str | None:
        """Read a URL or its file. The value never stands in the error: it may hold a password."""
        value = self.secret(name)
        if value is not None and not value.startswith(tuple(schemes)):
            raise ValueError(f"{name} is not a URL of a kind known here; it must start with {_one_of(schemes)}")
        return value

    def required_url(self, name: str, schemes: Sequence[str]) -> str:
        """Read a URL that there is no default for."""
        value = self.url(name, schemes)
        if not value:
            raise ValueError(f"{name} is not set; set it, or {name}_FILE, to a URL that starts with {_one_of(schemes)}")
        return value

    def port(self, name: str) -> int | None:
        """Read a port, None where it is not set."""
        return None if self.text(name) is None else self.integer(name, 0, floor=1, ceiling=65535)

    def integer(self, name: str, default: int, *, floor: int, ceiling: int | None = None) -> int:
        """Read a whole number from `floor` to `ceiling`."""
        text = self.text(name)
        if text is None:
            return default
        accepted = f"a whole number from {floor} to {ceiling}" if ceiling is not None else f"a whole number >= {floor}"
        # int() would take " 1_0 " and Arabic digits as well; nobody means those.
        if not re.fullmatch(r"[0-9]{1,18}", text):
            raise ValueError(f"{name}={text!r} is not a number; it must be {accepted}")
        value = int(text)
        if value < floor or (ceiling is not None and value > ceiling):
            raise ValueError(f"{name}={value} is out of range; it must be {accepted}")
        return value

    def number(self, name: str, default: float, *, above: float) -> float:
        """Read a number greater than `above`, as 0.25 or 12."""
        text = self.text(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or float(text) <= above:
            raise ValueError(f"{name}={text!r} must be a number greater than {above:g}, as 0.25 or 12")
        return float(text)

    def choice(self, name: str, default: str, accepted: Sequence[str]) -> str:
        """Read one of a few words."""
        value = self.text(name) or default
        if value not in accepted:
            raise ValueError(f"{name}={value!r} is unknown; it must be {_one_of(accepted)}")
        return value

    def matching(self, name: str, default: str, pattern: re.Pattern[str]) -> str:
        """Read a name that must match a pattern."""
        value = self.text(name) or default
        if not pattern.fullmatch(value):
            raise ValueError(f"{name}={value!r} does not fit; it must match {pattern.pattern}")
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """Read a list with commas; spaces around its members mean nothing."""
        return tuple(word.strip() for word in (self.text(name) or "").split(",") if word.strip())

    def origins(self, name: str) -> tuple[str, ...]:
        """Read a list of origins as browsers write them: scheme, host, and the port where it is not the usual one."""
        found = self.words(name)
        for origin in found:
            if not _ORIGIN.fullmatch(origin):
                accepted = "origins with commas, as browsers write them: https://code.example.org,http://localhost:3000"
                raise ValueError(f"{name}: {origin!r} is not an origin; it must be {accepted}, without * and paths")
        return found

    def network(self, name: str, default: IPv4Network, *, longest: int) -> IPv4Network:
        """Read an IPv4 network whose prefix is no longer than this."""
        text = self.text(name)
        if text is None:
            return default
        accepted = f"an IPv4 network such as {default}, /{longest} or larger"
        try:
            found = IPv4Network(text)
        except ValueError as error:
            raise ValueError(f"{name}={text!r} is no IPv4 network: {error}; it must be {accepted}") from error
        if found.prefixlen > longest:
            raise ValueError(f"{name}={text!r} is too small; it must be {accepted}")
        return found

    def address(self, name: str) -> IPv4Address | None:
        """Read an IPv4 address that is not of the loopback, None where it is not set."""
        text = self.text(name)
        if text is None:
            return None
        accepted = "an IPv4 address that is not of the loopback"
        try:
            found = IPv4Address(text)
        except ValueError as error:
            raise ValueError(f"{name}={text!r} is no IPv4 address; it must be {accepted}") from error
        if found.is_loopback or found.is_unspecified or found.is_multicast:
            raise ValueError(f"{name}={text!r} cannot be reached from a jail; it must be {accepted}")
        return found

    def path(self, name: str, default: Path) -> Path:
        """Read a path, made absolute so that it stays the same when a process changes its folder."""
        return Path(self.text(name) or default).absolute()


def _one_of(values: Sequence[str]) -> str:
    return " or ".join(values)
