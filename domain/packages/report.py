"""What became of a package's parts that were not simply taken."""

from domain.problem import Finding

STAGE = "import"


class Report:
    """The findings, in the order in which they came up, each once; `name` is a path, or a key of a file of YAML."""

    def __init__(self) -> None:
        self._lines: dict[Finding, None] = {}

    def note(self, name: str, message: str) -> None:
        """Say how something was taken that could be taken otherwise."""
        self._lines.setdefault(Finding(STAGE, name, ok=True, message=message))

    def skip(self, name: str, message: str) -> None:
        """Say why something was left out."""
        self._lines.setdefault(Finding(STAGE, name, ok=False, message=f"left out: {message}"))

    def skip_keys(self, name: str, keys: object) -> None:
        """Say which keys nobody here knows."""
        if isinstance(keys, dict | set | list) and keys:
            self.skip(name, f"unknown keys {', '.join(sorted(map(str, keys)))}")

    @property
    def lines(self) -> tuple[Finding, ...]:
        """Give all of them."""
        return tuple(self._lines)
