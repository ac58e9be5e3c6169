import os
import resource
from collections.abc import Iterator

import pytest

from sandbox.readable import readable

BEYOND = 1024
"""What select(2) does not take any more."""


@pytest.fixture
def high() -> Iterator[tuple[int, int]]:
    """A pipe whose reading end has a high number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * BEYOND), hard))
    reader, writer = os.pipe()
    os.dup2(reader, BEYOND)
    os.close(reader)
    yield BEYOND, writer
    os.close(BEYOND)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_any_number_will_do(high: tuple[int, int]) -> None:
    reader, writer = high
    assert readable([reader], 0) == []
    os.write(writer, b"x")
    assert readable([reader], 10) == [reader]
    os.read(reader, 1)
    os.close(writer)
    assert readable([reader], 10) == [reader]  # at its end


def test_with_nothing_to_wait_for_it_pauses() -> None:
    assert readable([], 0.001) == []


def test_what_is_not_open_is_an_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(OSError, match="Bad file descriptor"):
        readable([reader], 10)
    os.close(writer)
