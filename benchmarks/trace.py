"""One submission's trace, printed as a tree with times: `python -m benchmarks.trace`.

Starts a platform of its own with traces on, and a receiver for them; sends a C++ program with three test cases, and
waits until its spans have come.
"""

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import requests

from benchmarks.host import scratch
from benchmarks.otlp import Received, Receiver
from benchmarks.programs import A_PLUS_B
from standalone.stack import Stack

WAIT_S = 30.0
SETTLE_S = 1.0
"""Nothing new for so long, and the trace is whole."""
BAR = 30
SHOWN = (
    *("http.response.status_code", "messaging.destination.name", "shipd.compile.cache", "shipd.ordinal"),
    *("shipd.verdict", "shipd.reason", "shipd.jail.mode", "shipd.cpu_time_ms", "shipd.memory_bytes", "error.type"),
)
CASES = (("1 2", "3"), ("20 22", "42"), ("1 1", "3"))
"""Input, and what is expected: the last one is wrong."""


def submit(platform: Stack, trace_id: str) -> None:
    """Send the program within a trace, and wait for its end."""
    name, _, source = A_PLUS_B["cpp"]
    body = {
        "language": name,
        "source": {"type": "code", "content": f"{source}// {trace_id}\n"},
        "test_cases": [{"input": given, "expected_output": expected} for given, expected in CASES],
    }
    headers = {"Authorization": f"Bearer {platform.api_key}", "traceparent": f"00-{trace_id}-{'0' * 15}1-01"}
    url = f"{platform.url}/v1/submissions?wait=60"
    requests.post(url, json=body, headers=headers, timeout=90).raise_for_status()


def whole(receiver: Receiver, trace_id: str) -> list[Received]:
    """Wait for all spans of a trace; TimeoutError where its grading never came."""
    deadline = time.monotonic() + WAIT_S
    count, since = 0, time.monotonic()
    while time.monotonic() < deadline:
        found = receiver.spans(trace_id)
        if len(found) != count:
            count, since = len(found), time.monotonic()
        if "finish" in {one.name for one in found} and time.monotonic() - since > SETTLE_S:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"only {count} spans came in {WAIT_S:.0f} s")


def lines(spans: Sequence[Received]) -> Iterator[str]:
    """Draw the tree: indented by parents, each with its start, its length, and a bar where it lies in the whole."""
    begin, end = min(one.start_ns for one in spans), max(one.end_ns for one in spans)
    ids = {one.span_id for one in spans}
    children: dict[str, list[Received]] = {}
    for one in spans:
        children.setdefault(one.parent_id if one.parent_id in ids else "", []).append(one)

    def below(parent: str, depth: int) -> Iterator[str]:
        for one in children.get(parent, []):
            yield _line(one, depth, begin, end)
            yield from below(one.span_id, depth + 1)

    yield f"{'start':>8}  {'ms':>8}  {'':{BAR}}  trace {spans[0].trace_id}"
    yield from below("", 0)


def _line(one: Received, depth: int, begin: int, end: int) -> str:
    scale = BAR / max(1, end - begin)
    left = min(BAR - 1, int((one.start_ns - begin) * scale))
    bar = "█" * max(1, min(BAR - left, round((one.end_ns - one.start_ns) * scale)))
    known = " ".join(
        f"{name.rpartition('.')[2]}={one.attributes[name]}" for name in SHOWN if one.attributes.get(name) is not None
    )
    start_ms = (one.start_ns - begin) / 1e6
    service = f" [{one.service}]" if one.kind in {"SERVER", "CONSUMER"} else ""
    name = f"{'  ' * depth}{one.name}{service}"
    return f"{start_ms:8.2f}  {one.milliseconds:8.2f}  {' ' * left + bar:{BAR}}  {name}  {known}".rstrip()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(*, as_json: bool) -> None:
    """Trace one submission."""
    trace_id = secrets.token_hex(16)
    with scratch() as folder, Receiver() as receiver:
        environ = {**receiver.environ, "SHIPD_NETWORK": "off"}
        with Stack(Path(folder), environ=environ, durable=False) as platform:
            submit(platform, secrets.token_hex(16))  # what only the first one pays for
            submit(platform, trace_id)
            found = whole(receiver, trace_id)
    if as_json:
        click.echo(json.dumps([{**vars(one), "milliseconds": one.milliseconds} for one in found]))
        return
    for line in lines(found):
        click.echo(line)


if __name__ == "__main__":
    main()
