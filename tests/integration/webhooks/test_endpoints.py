"""Endpoints as rows: whose they are, how many, and what changes them."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from domain import deliveries, webhooks
from domain.db import Database
from domain.errors import Conflict, NotFound
from domain.vault import Vault
from domain.webhooks import MOST_PER_OWNER, SUBSCRIBABLE, Change, Disabled, Event, Webhook

URL = "https://example.org/hook"
ALICE, BOB = UUID(int=1), UUID(int=2)


def create(db: Database, owner: UUID = ALICE, description: str = "") -> Webhook:
    return webhooks.create(
        db, Vault(db), owner, url=URL, events=SUBSCRIBABLE, description=description, secret="long enough"
    )


def test_it_works(db: Database) -> None:
    made = create(db, description="for the course")
    assert webhooks.get(db, made.id, ALICE) == webhooks.get(db, made.id, None) == made
    assert (made.url, made.events, made.description, made.disabled) == (URL, SUBSCRIBABLE, "for the course", None)
    assert made.previous_until is None


def test_it_is_its_owners_alone(db: Database) -> None:
    made, other = create(db), create(db, BOB)
    delivery = deliveries.ping(db, made.id, ALICE)
    actions: list[Callable[[], object]] = [
        lambda: webhooks.get(db, made.id, BOB),
        lambda: webhooks.update(db, made.id, BOB, Change(url="https://evil.example/")),
        lambda: webhooks.rotate(db, Vault(db), made.id, BOB, "long enough"),
        lambda: webhooks.delete(db, made.id, BOB),
        lambda: deliveries.ping(db, made.id, BOB),
        lambda: deliveries.of_webhook(db, made.id, BOB, before=None, limit=1),
        lambda: deliveries.get(db, delivery.id, BOB),
        lambda: deliveries.redeliver(db, delivery.id, BOB),
        lambda: webhooks.get(db, uuid4(), None),
    ]
    for action in actions:
        with pytest.raises(NotFound):
            action()
    assert webhooks.get(db, made.id, ALICE) == made
    assert webhooks.listing(db, BOB) == [other]
    assert webhooks.listing(db, None) == [made, other]


def test_it_changes_what_is_said_and_nothing_else(db: Database) -> None:
    made = create(db)
    assert webhooks.update(db, made.id, ALICE, Change()) == made
    changed = webhooks.update(db, made.id, ALICE, Change("https://b.example/", (Event.DONE,), "new", enabled=False))
    assert (changed.url, changed.events, changed.description) == ("https://b.example/", (Event.DONE,), "new")
    assert changed.disabled is Disabled.ASKED
    assert webhooks.update(db, made.id, ALICE, Change(enabled=True)).disabled is None


def test_it_takes_its_deliveries_along(db: Database) -> None:
    made = create(db)
    delivery = deliveries.ping(db, made.id, None)
    webhooks.delete(db, made.id, ALICE)
    for action in (lambda: webhooks.get(db, made.id, None), lambda: deliveries.get(db, delivery.id, None)):
        with pytest.raises(NotFound):
            action()


def test_there_are_only_so_many_however_they_are_asked_for(db: Database, at_once: Callable[..., list[object]]) -> None:
    for _ in range(MOST_PER_OWNER - 2):
        create(db)

    def one_more(_: int) -> bool:
        try:
            create(db)
        except Conflict:
            return False
        return True

    at_once(8, lambda _: webhooks.listing(db, ALICE))  # each has a connection now
    assert sum(map(bool, at_once(8, one_more))) == 2
    assert len(webhooks.listing(db, ALICE)) == MOST_PER_OWNER
    create(db, BOB)
