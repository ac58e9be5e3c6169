from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.model import Submission

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend


def test_a_key_marks_what_it_sends(api: "Api", backend: "MemoryBackend", sent: Callable[[], Submission]) -> None:
    backend.keys["service"] = replace(backend.keys["service"], static_check="basic")

    assert api.submit().status == 201
    assert sent().static_check == "basic"


def test_others_are_not_marked(api: "Api", sent: Callable[[], Submission]) -> None:
    assert api.submit().status == 201
    assert sent().static_check is None


def test_a_check_whose_file_is_gone_lets_nothing_in(
    api: "Api", backend: "MemoryBackend", caplog: pytest.LogCaptureFixture
) -> None:
    backend.keys["service"] = replace(backend.keys["service"], static_check="gone")
    answer = api.submit()

    assert answer.status == 503
    assert "unknown static check 'gone'; there are: basic" in caplog.text
    assert not backend.views


def test_nobody_chooses_it_by_the_request(api: "Api") -> None:
    answer = api.submit(static_check="basic")
    assert answer.status == 422
    assert "static_check" in answer.fields
