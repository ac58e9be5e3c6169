"""In which order a worker asks Redis for messages."""

from collections.abc import Sequence
from typing import Any

from kombu.utils.scheduling import priority_cycle

from domain.queue_names import urgency


class UrgentFirst(priority_cycle):
    """By urgency, also when a queue was taken from again that was paused: kombu would put it last."""

    def update(self, it: Sequence[Any]) -> None:
        """Take other queues; those that are as urgent stay as they came."""
        super().update(sorted(it, key=urgency))  # type: ignore[no-untyped-call] # kombu has no types
