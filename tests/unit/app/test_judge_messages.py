"""What checkers say to authors, as it is asked for over HTTP."""

import uuid
from typing import TYPE_CHECKING

import pytest

from domain.judge_messages import JudgeMessage
from domain.problem_reading import Viewer
from tests.unit.app.conftest import ADMIN, SERVICE

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

ID = uuid.UUID(int=5)
PATH = f"/v1/submissions/{ID}/judge-messages"


@pytest.mark.parametrize(("key", "viewer"), [("service", Viewer(SERVICE.id)), ("admin", Viewer(ADMIN.id, True))])
def test_it_is_told_for_whoever_asks(api: "Api", backend: "MemoryBackend", key: str, viewer: Viewer) -> None:
    backend.problems.messages = [JudgeMessage(1, "secret/1", "7 is no sum")]
    api.key = key
    answer = api.get(PATH)

    assert answer.status == 200
    assert answer.body == {"judge_messages": [{"ordinal": 1, "name": "secret/1", "message": "7 is no sum"}]}
    assert backend.problems.asked_for == [(ID, viewer)]


def test_nobody_else_asks(api: "Api") -> None:
    api.key = None
    assert api.get(PATH).status == 401
