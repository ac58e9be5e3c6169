import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app import create_app
from domain.model import Submission
from domain.settings import TREE, Settings

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


def test_a_check_that_is_wrong_stops_the_start(settings: Settings, tmp_path: Path) -> None:
    configs = shutil.copytree(TREE / "jail-configs", tmp_path / "jail-configs")
    (configs / "static" / "mine.toml").write_text("")
    with pytest.raises(ValueError, match=r"mine\.toml: the file has missing keys"):
        create_app(replace(settings, jail_configs=configs))


def test_nobody_chooses_it_by_the_request(api: "Api") -> None:
    answer = api.submit(static_check="basic")
    assert answer.status == 422
    assert "static_check" in answer.fields
