"""The results of many submissions, gathered in the order in which they were sent."""

from collections.abc import Callable, Iterator, Sequence

from client.calls import MAX_BATCH
from client.models import Batch, BatchItem, SubmissionRequest


class Collected:
    """What became of each; `progress` is told how many more are over."""

    def __init__(self, count: int, progress: Callable[[int], None] | None) -> None:
        self._items: list[BatchItem | None] = [None] * count
        self._progress = progress or (lambda _more: None)

    def parts(self, requests: Sequence[SubmissionRequest]) -> Iterator[tuple[int, Sequence[SubmissionRequest]]]:
        """Cut them into batches that the API takes, each with the place of its first."""
        for first in range(0, len(requests), MAX_BATCH):
            yield first, requests[first : first + MAX_BATCH]

    def sent(self, first: int, batch: Batch) -> None:
        """Take what its sender is told of a batch: what was refused is over."""
        for item in batch["items"]:
            if "error" in item:
                self.over(first, item)

    def over(self, first: int, item: BatchItem) -> None:
        """Take the last word on an item."""
        self._items[first + item["index"]] = {**item, "index": first + item["index"]}
        self._progress(1)

    def items(self) -> list[BatchItem]:
        """Give them all, once all are over."""
        return [item for item in self._items if item is not None]
