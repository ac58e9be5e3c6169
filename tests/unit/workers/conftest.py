from collections.abc import Iterator, MutableMapping

import pytest
import structlog


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, object]]]:
    """What is logged, as events; without this structlog would draw every traceback with all its variables."""
    with structlog.testing.capture_logs() as events:
        yield events
