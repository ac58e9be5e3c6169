"""Which variables of the environment the code asks for."""

from typing import Any


class Heard(dict[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Give a variable, or what stands in for it."""
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        """Give a variable."""
        self.asked.add(name)
        return super().__getitem__(name)
