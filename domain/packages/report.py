"""What became of a package's parts that were not simply taken."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line of a report: `name` is a path of the package, or a key of one of its files."""

    stage: str
    name: str
    ok: bool
    message: str


class Report:
    """The lines, in the order in which they came up; each is there once."""

    def __init__(self) -> None:
        self._lines: dict[Line, None] = {}

    def note(self, name: str, message: str) -> None:
        """Say how something was taken that could be taken otherwise."""
        self._lines.setdefault(Line("import", name, ok=True, message=message))

    def skip(self, name: str, message: str) -> None:
        """Say why something was left out."""
        self._lines.setdefault(Line("import", name, ok=False, message=f"left out: {message}"))

    def skip_keys(self, name: str, keys: object) -> None:
        """Say which keys nobody here knows."""
        if isinstance(keys, dict | set | list) and keys:
            self.skip(name, f"unknown keys {', '.join(sorted(map(str, keys)))}")

    @property
    def lines(self) -> tuple[Line, ...]:
        """Give all lines."""
        return tuple(self._lines)
