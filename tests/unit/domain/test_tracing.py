import re
from collections.abc import Iterator

import pytest
import structlog

from domain import tracing
from domain.tracing import Trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = f"00-{TRACE}-{SPAN}-01"


def bound() -> dict[str, object]:
    return structlog.contextvars.get_contextvars()


@pytest.fixture(autouse=True)
def nothing_bound() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    tracing._current.set(None)
    yield
    tracing.end()


def test_it_works() -> None:
    trace = tracing.begin(SENT)

    assert (trace.trace_id, trace.sampled) == (TRACE, True)
    assert trace.span_id != SPAN
    assert tracing.parse(trace.header) == trace
    assert tracing.headers() == {"traceparent": trace.header}
    assert bound() == {"trace_id": TRACE, "span_id": trace.span_id}


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (SENT, Trace(TRACE, SPAN, sampled=True)),
        (f"00-{TRACE}-{SPAN}-00", Trace(TRACE, SPAN)),
        (f"00-{TRACE}-{SPAN}-fe", Trace(TRACE, SPAN)),
        (f"cc-{TRACE}-{SPAN}-01", Trace(TRACE, SPAN, sampled=True)),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", Trace(TRACE, SPAN, sampled=True)),
    ],
)
def test_it_reads(header: str, read: Trace) -> None:
    assert tracing.parse(header) == read


@pytest.mark.parametrize(
    "header",
    [
        *("", "00", SENT[:-1], f" {SENT}", f"{SENT} ", f"{SENT}-more", f"{SENT},{SENT}", SENT.upper(), f"{SENT}\n"),
        *(f"ff-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01more", f"0-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-0g"),
        *(f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE[1:]}-{SPAN}-01", f"00{TRACE}{SPAN}01"),
        f"cc-{TRACE}-{SPAN}-01-{'x' * 1000}",
    ],
)
def test_it_refuses(header: str) -> None:
    assert tracing.parse(header) is None
    trace = tracing.begin(header)
    assert trace.trace_id != TRACE
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", trace.header)


def test_without_any_it_begins_one() -> None:
    first, second = tracing.begin(None), tracing.begin(None)

    assert len({first.trace_id, second.trace_id, first.span_id, second.span_id}) == 4


def test_a_block_has_a_span_of_the_trace_that_was_sent() -> None:
    with tracing.span(SENT):
        assert bound()["trace_id"] == TRACE
        assert tracing.headers()["traceparent"].startswith(f"00-{TRACE}-")
        assert SPAN not in tracing.headers()["traceparent"]
    assert bound() == {}
    assert tracing.headers() == {}


@pytest.mark.parametrize("header", [None, 7, "", "nonsense"])
def test_a_block_without_a_trace_is_done_all_the_same(header: object) -> None:
    with tracing.span(header):
        assert bound() == {}


def test_a_message_bears_the_request_that_began_it() -> None:
    structlog.contextvars.bind_contextvars(request_id="asked-for")
    with tracing.span(SENT):
        sent = tracing.headers()
    assert tracing.carried(sent) == {"request_id": "asked-for"}
    assert tracing.carried({"request_id": "no id\n"}) == tracing.carried({"request_id": 7}) == {}


def test_what_is_done_for_others_bears_no_trace_of_ours() -> None:
    structlog.contextvars.bind_contextvars(request_id="asked-for")
    trace = tracing.begin(SENT)
    with tracing.outside():
        assert tracing.headers() == {}
        assert bound() == {}
    assert tracing.headers() == {"traceparent": trace.header, "request_id": "asked-for"}
    assert bound() == {"trace_id": TRACE, "span_id": trace.span_id, "request_id": "asked-for"}
