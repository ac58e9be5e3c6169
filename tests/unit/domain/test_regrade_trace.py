"""What a step of a regrade sends belongs to that step, whoever makes it."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from domain import regrade_pump, spans, tracing
from tests.recording import Recorder

SENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("sent", [[], [UUID(int=1), UUID(int=2)]])
def test_a_step_that_sends_has_a_trace_of_its_own(monkeypatch: pytest.MonkeyPatch, sent: list[UUID]) -> None:
    recorder, borne = Recorder(), list[dict[str, str]]()
    monkeypatch.setattr(spans, "_recorder", recorder)
    monkeypatch.setattr(regrade_pump, "step", lambda _: sent)
    nobody: Any = None
    router: Any = SimpleNamespace(send=lambda *_: borne.append(tracing.headers()))
    with spans.received(SENT, "grade", {}):
        regrade_pump.pump(nobody, nobody, router)
    steps = [one for one in recorder.kept if one.name == "regrade step"]
    assert [one.attributes for one in steps] == ([{"shipd.executions": 2}] if sent else [])
    assert [one.parent for one in steps] == [None] * len(steps)
    assert borne == [{tracing.HEADER: one.trace.header} for one in steps]
