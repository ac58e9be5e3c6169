from collections.abc import Iterator

import pytest

from tests.answering import Api, answering


@pytest.fixture
def api() -> Iterator[Api]:
    with answering() as made:
        yield made
