"""One run: platform, load and faults together, then peace, then what was found."""

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import psycopg

from domain import keys
from domain.db import Database
from standalone.client import Client as Plain
from tests.chaos import clients, faults, kinds, plan, proof
from tests.chaos.clients import Counting, Load, Sights
from tests.chaos.plan import BATCH, FAR, Fault, Plan, Strike
from tests.chaos.platform import Platform
from tests.chaos.proof import Row
from tests.integration.webhooks.receiving import Receiving

UNDER_WAY = 60
"""Submissions that are not over, at the most: there is always a queue, and never a long one. Fewer in small runs."""
LOOK_S = 0.25
STALLED_S = 300.0
"""Nothing has ended for so long: it will not go on by itself."""
UP_S = 90.0
"""What is not up again by then counts as never."""
SETTLE_S = 120.0
"""How long webhooks may still take when all is graded."""
_ENDED = "SELECT count(*) FROM executions WHERE state IN ('done', 'cancelled')"
_UNDELIVERED = "SELECT count(*) FROM deliveries WHERE state = 'waiting'"

Tell = Callable[[int, int, str], None]
"""Is told how many were accepted, how many ended, and what is happening."""


@dataclass
class Struck:
    """One fault as it was: when, in seconds since the start, and what it hit."""

    strike: Strike
    began: float
    ended: float = 0.0
    up_s: float | None = None
    """Seconds until the API was ready, streams answered and both workers took work; None where that took too long."""
    what: str = ""


@dataclass
class Found:
    """What a run came to."""

    plan: Plan
    began: float
    struck: list[Struck] = field(default_factory=list)
    sights: Sights = field(default_factory=Sights)
    rows: list[Row] = field(default_factory=list)
    wrong: list[proof.Fault] = field(default_factory=list)
    seconds: float = 0.0
    restarted: Sequence[str] = ()


@dataclass
class Run:
    """One run on a platform that is up."""

    platform: Platform
    receiver: Receiving
    tell: Tell
    happening: str = "begins"
    ended: int = 0
    _moved: float = field(default_factory=time.monotonic)
    _seeing: list[threading.Thread] = field(default_factory=list)

    def do(self, seed: int, count: int, asked: Sequence[Fault]) -> Found:
        """Do all of it, and give what was found."""
        with ExitStack() as opened:
            found = self._prepared(opened, seed, count, asked)
            load = opened.enter_context(_Loaded(self._load(found.plan, found.sights)))
            striking = threading.Thread(target=self._strike, args=(found,), name="faults", daemon=True)
            striking.start()
            self._watch(load, striking, count)
            found.seconds = time.time() - found.began
            self.happening = "reading what came of all"
            self.tell(load.sights.accepted, self.ended, self.happening)
            self._settle()
            clients.look(load)
            found.rows = proof.rows(self.platform.stack.settings.database_url)
            found.wrong = proof.wrong(found.plan, found.sights, found.rows, self.receiver.requests())
            found.restarted = tuple(self.platform.restarted)
        return found

    def _prepared(self, opened: ExitStack, seed: int, count: int, asked: Sequence[Fault]) -> Found:
        self.happening = "making a problem and keys"
        client = self.platform.stack.client
        expect(client.post("/v1/problems", dict(kinds.PROBLEM_BODY)).status, 201)
        database = opened.enter_context(closing(Database(self.platform.stack.settings.database_url, min_size=0)))
        self._keys = [keys.create(database, name=f"chaos-{name}", role="service") for name in ("plain", "hooked")]
        hooked = Plain(self.platform.stack.url, self._keys[1])
        expect(hooked.post("/v1/webhooks", {"url": f"{self.receiver.url('ok')}?endpoint=1"}).status, 201)
        made = plan.make(
            seed, count, asked, languages=_languages(client), root=is_root(), regions=_takes_regions(client)
        )
        return Found(made, time.time())

    def _load(self, made: Plan, sights: Sights) -> Load:
        url = self.platform.stack.url
        plain, hooked = (Counting(url, key, sights) for key in self._keys)
        hook, room = self.receiver.url("ok"), threading.Semaphore(min(UNDER_WAY, max(2 * BATCH, len(made.orders) // 8)))
        return Load(made.orders, {False: plain, True: hooked}, hook, secrets.token_hex(16), sights, room)

    def _strike(self, found: Found) -> None:
        for number, strike in enumerate(found.plan.strikes):
            while self.ended < strike.at:
                if self.stalled:
                    return
                time.sleep(0.05)
            one = Struck(strike, time.time() - found.began)
            found.struck.append(one)
            self.happening = strike.fault.value
            rng = plan.chance("strike", found.plan.seed, number)
            one.what = faults.act(strike.fault, self.platform, rng)
            one.ended = time.time() - found.began
            self.happening = f"after {strike.fault.value}"
            self._see_up(one)

    def _see_up(self, one: Struck) -> None:
        """See from beside when all that can be asked answers again."""
        thread = threading.Thread(target=self._wait_until_up, args=(one,), name="up", daemon=True)
        thread.start()
        self._seeing.append(thread)

    def _wait_until_up(self, one: Struck) -> None:
        began = time.monotonic()
        while (waited := time.monotonic() - began) < UP_S:
            if self.platform.is_up():
                one.up_s = round(waited, 1)
                return
            time.sleep(LOOK_S)

    @property
    def stalled(self) -> bool:
        """Whether it has stood still for too long."""
        return time.monotonic() - self._moved > STALLED_S

    def _watch(self, load: Load, striking: threading.Thread, count: int) -> None:
        """Count what ends and make room for more, until all has ended, or nothing goes on."""
        load.start()
        self.happening = "load alone"
        while (self.ended < count or load.busy or striking.is_alive()) and not self.stalled:
            ended = self._count(_ENDED)
            if ended is not None and ended > self.ended:
                for _ in range(ended - self.ended):
                    load.room.release()
                self.ended, self._moved = ended, time.monotonic()
            if self.ended >= count and striking.is_alive():
                self._moved = time.monotonic()  # a fault is still to end
            self.tell(load.sights.accepted, self.ended, self.happening)
            time.sleep(LOOK_S)
        striking.join(faults.GONE_S + faults.WAIT_S)
        for thread in self._seeing:
            thread.join(UP_S)

    def _settle(self) -> None:
        deadline = time.monotonic() + SETTLE_S
        while self._count(_UNDELIVERED) != 0 and time.monotonic() < deadline:
            time.sleep(LOOK_S)

    def _count(self, command: str) -> int | None:
        """Count something; None while PostgreSQL is away."""
        try:
            with psycopg.connect(self.platform.stack.settings.database_url, connect_timeout=2) as connection:
                row = connection.execute(command.encode()).fetchone()
        except psycopg.OperationalError:
            return None
        return int(row[0]) if row else None


class _Loaded:
    """Ends the clients with the block."""

    def __init__(self, load: Load) -> None:
        self._load = load

    def __enter__(self) -> Load:
        return self._load

    def __exit__(self, *_: object) -> None:
        self._load.end()
        for client in self._load.clients.values():
            client.close()


def expect(status: int, wanted: int) -> None:
    """Raise RuntimeError where the platform does not take what a run needs."""
    if status != wanted:
        raise RuntimeError(f"the platform answered {status} and not {wanted} before anything was done to it")


def is_root() -> bool:
    """Whether file systems can be mounted."""
    return os.geteuid() == 0


def _languages(client: Plain) -> set[str]:
    listed: Any = client.get("/v1/languages").body["languages"]
    return {one["name"] for one in listed if one["available"]}


def _takes_regions(client: Plain) -> bool:
    """Ask for what is not valid otherwise, so that nothing is made: is `region` among the complaints?"""
    answer: Mapping[str, Any] = client.post("/v1/submissions", {"region": FAR, "language": "none"}).body
    fields = [str(one.get("field")) for one in answer["error"]["fields"]]
    return "region" not in fields
