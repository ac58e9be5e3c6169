"""Spans where nobody records, and by a recorder that keeps them here."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from structlog.testing import capture_logs

import domain.otel  # noqa: F401 - as everywhere else: Hypothesis draws from constants of what is loaded
from domain import spans, tracing
from domain.settings import Settings
from domain.spans import Kind
from domain.tracing import Trace
from tests.recording import Kept, Recorder

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{SPAN}-01"
TRACED = Settings("postgresql://h/d", "redis://h", "redis://h", traces="on")
IMPORTS = """
import sys
sys.modules["opentelemetry"] = None  # as where it is not installed; redis takes a part of it where it is
from app import create_app
from domain import spans
from domain.settings import Settings
from workers import main, tasks
create_app(Settings("postgresql://h/d", "redis://h", "redis://h"))
print("domain.otel" in sys.modules, spans.recording())
"""


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(spans, "_recorder", made)
    return made


@pytest.fixture(autouse=True)
def nothing_bound() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    tracing.end()
    yield
    tracing.end()


def test_where_nothing_is_recorded_it_need_not_be_installed() -> None:
    environ = {"DATABASE_URL": "postgresql://h/d", "REDIS_URL": "redis://h"}
    done = subprocess.run([sys.executable, "-c", IMPORTS], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


@pytest.mark.parametrize("missing", spans.NEEDED)
def test_what_is_not_there_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(spans, "find_spec", lambda name: None if name == missing else object())
    with pytest.raises(ValueError, match=r"SHIPD_TRACES=on.*pip install 'shipd\[traces\]'"):
        spans.check(TRACED)


def test_of_what_is_installed_all_is_found() -> None:
    spans.check(TRACED)


def test_where_nothing_can_be_recorded_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "256")  # less than what is sent at once
    with capture_logs() as said:
        spans.start(TRACED, "worker")
    assert [one["event"] for one in said] == ["traces_not_recorded"]
    assert not spans.recording()


def test_where_nothing_is_recorded_a_block_is_done_all_the_same() -> None:
    with spans.received(SENT, "grade", {}) as task, spans.span("claim") as span:
        task.set({"a": 1})
        span.fail("Nothing")
        spans.note({"b": 2})
        assert tracing.headers()["traceparent"].startswith(f"00-{TRACE}-")
    assert spans.begin(SENT, "GET", {}) is None
    spans.before("queue", datetime.now(UTC), {})
    assert tracing.headers() == {}


def test_a_task_and_its_steps(recorder: Recorder) -> None:
    queued = datetime.now(UTC) - timedelta(seconds=2)
    with spans.received(SENT, "grade", spans.MESSAGE):
        spans.before("queue", queued, {})
        with spans.span("claim", spans.POSTGRESQL, Kind.CLIENT):
            spans.note({"shipd.attempt": 1})
            assert structlog.contextvars.get_contextvars()["span_id"] == recorder.kept[2].trace.span_id
        assert structlog.contextvars.get_contextvars()["span_id"] == recorder.kept[0].trace.span_id
    grade, queue, claim = recorder.kept
    assert [one.ended for one in recorder.kept] == [True, True, True]
    assert grade.parent is not None
    assert queue.parent is not None
    assert (grade.parent.span_id, queue.parent.span_id, claim.parent) == (SPAN, SPAN, grade.trace)
    assert queue.start_ns == round(queued.timestamp() * 1e9)
    assert (grade.attributes["shipd.attempt"], grade.kind, claim.kind) == (1, Kind.CONSUMER, Kind.CLIENT)
    assert structlog.contextvars.get_contextvars() == {}


def test_a_message_without_a_trace_begins_one(recorder: Recorder) -> None:
    with spans.received(None, "deliver", {}):
        assert tracing.headers()["traceparent"] == recorder.kept[0].trace.header
    assert recorder.kept[0].parent is None


def test_what_is_to_come_is_not_recorded_as_past(recorder: Recorder) -> None:
    with spans.received(SENT, "grade", {}):
        spans.before("queue", datetime.now(UTC) + timedelta(hours=1), {})
    assert recorder.kept[1].start_ns is not None
    assert recorder.kept[1].start_ns <= datetime.now(UTC).timestamp() * 1e9


def test_of_an_error_its_type_alone_is_told(recorder: Recorder) -> None:
    with pytest.raises(ValueError, match="secret"), spans.span("compile"):
        raise ValueError("secret")
    with pytest.raises(KeyError), spans.span("compile", expected=(LookupError,)):
        raise KeyError("secret")
    assert [(one.failed, one.ended) for one in recorder.kept] == [("ValueError", True), (None, True)]
    assert "secret" not in str(recorder.kept)


def test_a_request_goes_on_in_another_process_under_its_own_ids(recorder: Recorder) -> None:
    begun = spans.begin(SENT, "GET", {})
    assert begun is not None
    assert tracing.current() == begun.trace

    taken = spans.take_over(begun.trace.header, SENT, "GET", {}, 7)

    assert isinstance(taken, Kept)
    assert (taken.trace, taken.start_ns, taken.parent) == (begun.trace, 7, Trace(TRACE, SPAN, sampled=True))
    assert spans.take_over(f"00-{TRACE}-{SPAN}-00", None, "GET", {}, 7) is None
    assert spans.take_over("nonsense", None, "GET", {}, 7) is None


def test_at_the_end_what_is_left_is_sent(recorder: Recorder) -> None:
    spans.stop()
    assert recorder.closed
    assert not spans.recording()
