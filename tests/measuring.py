"""What is left out of the coverage: what it runs, others run too, and counting lines doubles what Python costs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import coverage

OF_CHILDREN = "COVERAGE_PROCESS_CONFIG"
"""By this a Python that is started knows that it is to count."""
UNMEASURED = (
    "tests/chaos/",
    "tests/e2e/test_least_rights.py",
    "tests/e2e/test_network_over_http.py",
    "tests/e2e/test_restore_drill.py",
    "tests/unit/benchmarks/",
)
"""Tests that start a platform of their own, as the shared one is, or compute a lot and nothing of what is counted."""


@contextmanager
def unmeasured() -> Iterator[None]:
    """Count no lines in the block, neither here nor in what is started there."""
    counting, config = coverage.Coverage.current(), os.environ.pop(OF_CHILDREN, None)
    if counting is not None:
        counting.stop()
    try:
        yield
    finally:
        if counting is not None:
            counting.start()
        if config is not None:
            os.environ[OF_CHILDREN] = config
