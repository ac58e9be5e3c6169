from collections.abc import Callable
from uuid import UUID

from domain import audit, keys, owners
from domain.db import Database

ISSUER = "https://login.example"


def test_the_same_person_is_the_same_owner_every_time(db: Database) -> None:
    assert owners.of_subject(db, ISSUER, "alice") == owners.of_subject(db, ISSUER, "alice")


def test_other_people_and_other_issuers_are_other_owners(db: Database) -> None:
    known = {(ISSUER, "alice"), (ISSUER, "bob"), (ISSUER, "Alice"), (f"{ISSUER}/", "alice"), (ISSUER, "alice ")}

    assert len({owners.of_subject(db, issuer, subject) for issuer, subject in known}) == len(known)


def test_many_at_once_are_one(
    db: Database, at_once: Callable[..., list[object]], rows: Callable[..., list[object]]
) -> None:
    found = at_once(6, lambda _: owners.of_subject(db, ISSUER, "alice"))

    assert len(set(found)) == 1
    assert len(rows("SELECT 1 FROM owners")) == 1
    assert [entry.actor for entry in audit.latest(db, 10)] == [f"owner {found[0]}"]


def test_every_key_of_a_new_owner_has_its_id(db: Database, rows: Callable[..., list[dict[str, UUID]]]) -> None:
    key = keys.verify(db, keys.create(db, name="n", role="service"))

    assert key is not None
    assert key.id == key.key_id
    assert rows("SELECT id FROM owners") == [{"id": key.id}]


def test_a_key_that_the_previous_release_makes_has_an_owner(
    db: Database, rows: Callable[..., list[dict[str, UUID]]]
) -> None:
    rows(
        "INSERT INTO api_keys (id, name, role, prefix, secret_sha256)"
        " VALUES (%s, 'old', 'service', 'abcdefabcdef', %s)",
        UUID(int=7),
        bytes(32),
    )

    assert rows("SELECT o.id, k.owner_id FROM owners AS o, api_keys AS k") == [
        {"id": UUID(int=7), "owner_id": UUID(int=7)}
    ]
