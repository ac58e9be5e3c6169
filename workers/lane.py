"""A slot that runs test cases of one execution beside others: of this host, or of another one that helps."""

from dataclasses import dataclass

from workers.fleet import Helper
from workers.run import Bench
from workers.stop import Stop


@dataclass(eq=False)
class Lane:
    """One slot and what runs in it. Only its own thread uses the bench."""

    bench: Bench
    index: int = -1
    stop: Stop | None = None
    """While a test case runs."""
    cancelled: bool = False
    """Whether that run was told to end because its slot, or its result, is not to be had any more."""
    leaving: bool = False
    far: bool = False
    """Whether the slot is another host's."""
    helper: Helper | None = None
    """Who runs them there, once somebody does."""

    def cancel(self) -> None:
        """End the run, if there is one; called with the work held, so that it cannot end meanwhile."""
        if self.stop is not None:
            self.cancelled = True
            self.stop.say()
