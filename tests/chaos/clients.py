"""Clients that send what a plan says, as good clients do: again after a failure, once by their Idempotency-Key.

They are the published Python client with more patience. What each saw is kept: what was accepted under which id, every
answer that refused, and how each submission ended.
"""

import queue
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from client import Client
from client.errors import ShipdClientError, Unreachable
from client.flows import Call, Failure, Pause, Policy, Reply
from client.models import BatchItem, Submission, SubmissionRequest
from tests.chaos.plan import BATCH, Order, Way

PATIENT = Policy(attempts=2000, first_pause_s=0.1, longest_pause_s=1.5)
UNREACHABLE = "no answer"
WAIT_S = 20
NOT_AN_ERROR = ("429", "503", UNREACHABLE)
"""What a client may be told while parts are away: it comes again."""
THREADS = 16


@dataclass
class Seen:
    """What clients saw of one submission."""

    id: str = ""
    accepted_at: float = 0.0
    submission: Submission | None = None
    complaint: str = ""
    """What was not as it should be."""


@dataclass
class Sights:
    """What they saw of all, by number of the order; filled by many threads."""

    orders: dict[int, Seen] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    """Answers other than success, by status, however often a client came again."""
    broken: list[str] = field(default_factory=list)
    """Refusals that no client can do anything about."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def refuse(self, call: Call, what: str) -> None:
        """Count a refusal."""
        with self.lock:
            self.refused[what] += 1
            if what not in NOT_AN_ERROR:
                self.broken.append(f"{call.method} {call.path}: {what}")

    def accept(self, order: Order, submission_id: str) -> None:
        """Keep under which id an order was accepted."""
        with self.lock:
            seen = self.orders.setdefault(order.number, Seen(submission_id, time.time()))
            if seen.id != submission_id:
                seen.complaint = f"accepted twice, as {seen.id} and {submission_id}"

    def complain(self, order: Order, what: str) -> None:
        """Keep that something was not as it should be."""
        with self.lock:
            self.orders.setdefault(order.number, Seen()).complaint = what

    @property
    def accepted(self) -> int:
        """How many were accepted so far."""
        with self.lock:
            return sum(1 for seen in self.orders.values() if seen.id)


class Counting(Client):
    """The client, whose refusals are counted."""

    def __init__(self, url: str, api_key: str, sights: Sights) -> None:
        super().__init__(url, api_key, policy=PATIENT)
        self._sights = sights
        self.over = threading.Event()

    def _do(self, step: Call | Pause) -> Reply | Failure | None:
        if self.over.is_set():
            raise Unreachable("the run is over")
        said = super()._do(step)
        if isinstance(step, Call):
            if isinstance(said, Failure):
                self._sights.refuse(step, UNREACHABLE)
            elif isinstance(said, Reply) and said.status >= 300:
                self._sights.refuse(step, str(said.status))
        return said


@dataclass
class Load:
    """The clients: threads that take orders in turn, and stop while `most` submissions are not over."""

    orders: Sequence[Order]
    clients: Mapping[bool, Counting]
    """By whether the key has a webhook endpoint."""
    hook: str
    """Where callbacks go, but for the number of the order."""
    secret: str
    sights: Sights
    room: threading.Semaphore
    """One for each submission that may be under way; whoever sees their ends gives it back."""
    stop: threading.Event = field(default_factory=threading.Event)
    _waiting: "queue.SimpleQueue[Sequence[Order]]" = field(default_factory=queue.SimpleQueue)
    _gate: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin; returns at once."""
        for part in parts(self.orders):
            self._waiting.put(part)
        for number in range(THREADS):
            thread = threading.Thread(target=self._work, name=f"client {number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    @property
    def busy(self) -> bool:
        """Whether anything is still to be sent or waited for."""
        return any(thread.is_alive() for thread in self._threads)

    def end(self) -> None:
        """Send nothing more, and wait for those that are at it."""
        self.stop.set()
        for client in self.clients.values():
            client.over.set()
        self.room.release(len(self.orders))
        deadline = time.monotonic() + 2 * WAIT_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while not self.stop.is_set():
            try:
                part = self._waiting.get_nowait()
            except queue.Empty:
                return
            with self._gate:  # two that have half of their room each would wait for ever
                for _ in part:
                    self.room.acquire()
            if not self.stop.is_set():
                self._do(part)

    def _do(self, part: Sequence[Order]) -> None:
        try:
            if len(part) > 1:
                self._batch(part)
            else:
                self._one(part[0])
        except ShipdClientError as error:
            for order in part:
                self.sights.complain(order, f"{type(error).__name__}: {error}")

    def _one(self, order: Order) -> None:
        client, key = self.clients[order.hooked], f"order-{order.number}"
        wait = WAIT_S if order.way is Way.WAIT else 0
        made = client.submit(self.body(order), wait=wait, idempotency_key=key)
        self.sights.accept(order, made["id"])
        match order.way:
            case Way.TWICE:
                self.sights.accept(order, client.submit(self.body(order), idempotency_key=key)["id"])
            case Way.WAIT:
                client.wait(made["id"])
            case Way.FOLLOW:
                self._follow(client, order, made["id"])

    def _follow(self, client: Client, order: Order, submission_id: str) -> None:
        ends = [event for event in client.events(submission_id) if event.event == "done"]
        if len(ends) != 1:
            self.sights.complain(order, f"{len(ends)} events tell of its end")

    def _batch(self, part: Sequence[Order]) -> None:
        client = self.clients[part[0].hooked]
        made = client.send_batch([self.body(order) for order in part], idempotency_key=f"batch-{part[0].number}")
        for item in cast("Sequence[BatchItem]", made["items"]):
            order = part[item["index"]]
            if "submission" in item:
                self.sights.accept(order, item["submission"]["id"])
            else:
                self.sights.complain(order, f"refused in a batch: {item.get('error')}")

    def body(self, order: Order) -> SubmissionRequest:
        """Give what is sent for an order."""
        more = {"callback": {"url": f"{self.hook}?order={order.number}", "secret": self.secret}}
        return cast("SubmissionRequest", {**order.body, **(more if order.callback else {})})


def parts(orders: Sequence[Order]) -> list[list[Order]]:
    """Put those for a batch together, by key; what is sent keeps the order of the plan otherwise."""
    found: list[list[Order]] = []
    open_: dict[bool, list[Order]] = {}
    for order in orders:
        if order.way is not Way.BATCH:
            found.append([order])
            continue
        part = open_.setdefault(order.hooked, [])
        part.append(order)
        if len(part) == BATCH:
            found.append(open_.pop(order.hooked))
    return [*found, *open_.values()]


def look(load: Load) -> None:
    """Read every submission that was accepted, as its sender would."""
    for order in load.orders:
        seen = load.sights.orders.get(order.number)
        if seen is not None and seen.id:
            try:
                seen.submission = load.clients[order.hooked].get(seen.id)
            except ShipdClientError as error:
                load.sights.complain(order, f"it cannot be read: {error}")
