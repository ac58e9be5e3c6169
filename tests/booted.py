"""A machine of the tests' own that is up for as long as a block lasts."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Booted(ABC):
    """One that is booted when the block begins; nothing of it is left, however that ends."""

    def __enter__(self) -> Self:
        try:
            self._boot()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @abstractmethod
    def _boot(self) -> None:
        """Have it up, or raise."""

    @abstractmethod
    def _end(self) -> None:
        """End it and remove what it left, as far as it came."""
