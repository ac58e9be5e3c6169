"""What one user's flood costs another: `python -m benchmarks.fair --many 10000 --few 10`, on a platform of its own.

One user sends `few` submissions, one after the other, each from POST to its result: alone, then while another user's
`many` are being sent by several clients, then while those wait to be graded. `--at-once 1000000` shows what it would be
without places (`domain.fair`): first come, first served.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks.over_http import body
from benchmarks.running import WAIT_S, Body, Connection, Platform, platform
from benchmarks.samples import summary

FOLDER = Path("var/bench")
CLIENTS = 4
"""Of the flood."""
AHEAD = 50
"""So many of the flood are there before the others begin."""
ASK_S = 0.5
FEW, MANY = "few", "many"


class Sender:
    """A client that sends for users whom it names."""

    def __init__(self, where: Platform) -> None:
        self._client = Connection(where.url, where.api_key)
        self._sent = 0

    def send(self, user: str, wait_s: int = 0) -> dict[str, Any]:
        """Post a submission of a user. Raises ClickException where it is not taken."""
        self._sent += 1
        named: Body = {**body("python", 1, f"{user} {id(self)} {self._sent}"), "user_id": user}
        return self._ask("POST", f"/v1/submissions?wait={wait_s}", named)

    def result(self, user: str) -> float:
        """Post a submission and wait for its result; gives milliseconds."""
        began = time.perf_counter()
        execution = self.send(user, WAIT_S)["execution"]
        took = 1000 * (time.perf_counter() - began)
        if execution["verdict"] != "AC":
            raise click.ClickException(f"{execution['state']}: {execution['verdict']} {execution['reason']}")
        return took

    def left(self, user: str) -> int:
        """How many of a user's executions have not ended."""
        counts = self._ask("GET", f"/v1/usage?user_id={user}")["executions"]
        return int(counts["running"]) + int(counts["queued"])

    def _ask(self, method: str, path: str, sent: Body | None = None) -> dict[str, Any]:
        data = json.dumps(sent).encode() if sent is not None else None
        self._client.connection.request(method, path, data, self._client.headers)
        answer = self._client.connection.getresponse()
        content = answer.read()
        if answer.status not in {200, 201}:
            raise click.ClickException(f"HTTP {answer.status}: {content[:500]!r}")
        found: dict[str, Any] = json.loads(content)
        return found


class Flood:
    """One user's submissions, sent by several clients as fast as they are taken."""

    def __init__(self, where: Platform, count: int) -> None:
        self.accepted = 0
        self._count = count
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []
        senders = [Sender(where) for _ in range(CLIENTS)]
        self._threads = [threading.Thread(target=self._send, args=(sender,), daemon=True) for sender in senders]

    def start(self) -> None:
        """Begin, and return when some are there."""
        for thread in self._threads:
            thread.start()
        while self.accepted < min(AHEAD, self._count) and not self._errors:
            time.sleep(0.01)

    def sent(self) -> None:
        """Wait until all are sent. Raises ClickException where one was not taken."""
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise click.ClickException(f"the flood: {self._errors[0]}") from self._errors[0]

    def _send(self, sender: Sender) -> None:
        try:
            for _ in iter(self._next, None):
                sender.send(MANY)
        except (OSError, click.ClickException) as error:
            self._errors.append(error)

    def _next(self) -> int | None:
        with self._lock:
            if self.accepted == self._count:
                return None
            self.accepted += 1
            return self.accepted


def measure(where: Platform, many: int, few: int, *, drain: bool) -> dict[str, Any]:
    """Measure the few alone and beside the many; with `drain` wait for the last of the many, too."""
    _results(where, 3)
    alone = _results(where, few)
    flood, began = Flood(where, many), time.perf_counter()
    flood.start()
    during, accepted = _results(where, few), flood.accepted
    flood.sent()
    sent_s, left = time.perf_counter() - began, Sender(where).left(MANY)
    behind, left_after = _results(where, few), Sender(where).left(MANY)
    found: dict[str, Any] = {
        "many": many,
        "few": few,
        "alone": summary(alone, 50, 95),
        "while_it_is_sent": {**summary(during, 50, 95), "accepted_by_then": accepted},
        "behind_it": {**summary(behind, 50, 95), "left_before": left, "left_after": left_after},
        "sent_s": round(sent_s, 1),
    }
    if drain:
        sender = Sender(where)
        while sender.left(MANY):
            time.sleep(ASK_S)
        found["all_graded_s"] = round(time.perf_counter() - began, 1)
    return found


def _results(where: Platform, few: int) -> list[float]:
    # A connection that lay idle meanwhile was closed by the server.
    sender = Sender(where)
    return [sender.result(FEW) for _ in range(few)]


@contextmanager
def _platform(at_once: int | None) -> Iterator[Platform]:
    if at_once is not None:
        os.environ["SHIPD_AT_ONCE"] = str(at_once)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with platform(FOLDER) as found:
        yield found


def _table(found: dict[str, Any]) -> Table:
    title = f"{found['many']} submissions of one user"
    table = Table("another user's POST to result", "p50", "p95", "most", title=title)
    for name in ("alone", "while_it_is_sent", "behind_it"):
        figures = (f"{found[name][figure]:.1f} ms" for figure in ("p50_ms", "p95_ms", "max_ms"))
        table.add_row(name.replace("_", " "), *figures)
    return table


@click.command()
@click.option("--many", default=10_000, show_default=True, type=click.IntRange(1), help="Submissions of one user.")
@click.option("--few", default=10, show_default=True, type=click.IntRange(1), help="Submissions of another.")
@click.option("--at-once", type=click.IntRange(1), help="Places of a user; default: as the platform says.")
@click.option("--drain", is_flag=True, help="Wait until all are graded.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(*, many: int, few: int, at_once: int | None, drain: bool, as_json: bool) -> None:
    """Measure what a flood of one user costs another."""
    with _platform(at_once) as where:
        found = measure(where, many, few, drain=drain)
    if as_json:
        click.echo(json.dumps(found))
        return
    console, behind = Console(), found["behind_it"]
    console.print(_table(found))
    console.print(f"left of the flood when it was sent: {behind['left_before']}; in the end: {behind['left_after']}")


if __name__ == "__main__":
    main()
