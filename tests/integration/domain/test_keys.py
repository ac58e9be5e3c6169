from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from domain import key_list, keys
from domain.db import Database
from domain.errors import NotFound


def test_it_works(db: Database) -> None:
    text = keys.create(db, name="the course", role="submitter")

    key = keys.verify(db, text)

    assert key is not None
    assert (key.name, key.role) == ("the course", keys.Role.SUBMITTER)


def test_the_secret_is_not_kept(db: Database, rows: Callable[..., list[dict[str, object]]]) -> None:
    _, _, secret = keys.create(db, name="n", role="admin").split("_")

    assert secret not in str(rows("SELECT * FROM api_keys"))
    assert bytes.fromhex(secret).hex() not in str(rows("SELECT encode(secret_sha256, 'hex') FROM api_keys"))


def test_another_secret_of_the_same_prefix_is_refused(db: Database) -> None:
    kind, prefix, secret = keys.create(db, name="n", role="admin").split("_")
    other = ("0" if secret[0] != "0" else "1") + secret[1:]

    assert keys.verify(db, f"{kind}_{prefix}_{other}") is None


@pytest.mark.parametrize(
    "text", ["", "shipd_", "x" * 5000, "shipd_\0_\0", "shipd_é_1", "shipd_" + "0" * 12 + "_" + "0" * 64]
)
def test_what_is_no_key_is_refused(db: Database, text: str) -> None:
    assert keys.verify(db, text) is None


def test_a_key_with_something_behind_it_is_refused(db: Database) -> None:
    text = keys.create(db, name="n", role="admin")

    assert keys.verify(db, text + "\n") is None
    assert keys.verify(db, text.upper()) is None


def test_a_revoked_key_is_refused(db: Database) -> None:
    text, other = (keys.create(db, name=name, role="service") for name in ("a", "b"))

    keys.revoke(db, text.split("_")[1])

    assert keys.verify(db, text) is None
    assert keys.verify(db, other) is not None


def test_an_unknown_key_cannot_be_revoked(db: Database) -> None:
    with pytest.raises(NotFound, match="no key"):
        keys.revoke(db, "000000000000")


def test_a_key_expires(db: Database) -> None:
    now = datetime.now(UTC)
    over = keys.create(db, name="over", role="service", expires_at=now - timedelta(hours=1))
    valid = keys.create(db, name="valid", role="service", expires_at=now + timedelta(hours=1))

    assert keys.verify(db, over) is None
    assert keys.verify(db, valid) is not None


def test_an_unknown_role_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="king"):
        keys.create(db, name="n", role="king")


def test_they_are_listed_oldest_first(db: Database) -> None:
    prefixes = [keys.create(db, name=f"key {n}", role="service").split("_")[1] for n in range(3)]
    keys.revoke(db, prefixes[1])
    keys.revoke(db, prefixes[1])

    entries = key_list.everybodys(db)

    assert [entry.prefix for entry in entries] == prefixes
    assert [entry.revoked_at is not None for entry in entries] == [False, True, False]
    assert [entry.name for entry in entries] == ["key 0", "key 1", "key 2"]


def test_the_network_is_a_permission_of_its_own(db: Database) -> None:
    texts = {granted: keys.create(db, name=f"{granted}", role="admin", network=granted) for granted in (True, False)}
    for granted, text in texts.items():
        key = keys.verify(db, text)
        assert key is not None
        assert key.network is granted
    assert [entry.network for entry in key_list.everybodys(db)] == [True, False]


def test_a_key_keeps_its_static_check(db: Database) -> None:
    texts = {check: keys.create(db, name=f"{check}", role="service", static_check=check) for check in ("basic", None)}
    for check, text in texts.items():
        key = keys.verify(db, text)
        assert key is not None
        assert key.static_check == check
    assert [entry.static_check for entry in key_list.everybodys(db)] == ["basic", None]
