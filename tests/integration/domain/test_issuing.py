"""Keys that are made for somebody, rotated and ended: who may hand on what."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain import audit, issuing, key_list, keys, owners
from domain.db import Database
from domain.errors import InvalidRequest, NotFound, Unauthenticated
from domain.key_limits import KeyLimits
from domain.keys import Key, NewKey
from domain.roles import Role, Scope

DAY = timedelta(days=1)
AT_ONCE = timedelta(0)
WRITES = frozenset({Scope.SUBMISSIONS_READ, Scope.SUBMISSIONS_WRITE, Scope.KEYS_WRITE})


@pytest.fixture
def verified(db: Database) -> Callable[[NewKey], Key]:
    """Make a key and give whoever has it."""

    def make(new: NewKey) -> Key:
        found = keys.verify(db, issuing.make(db, None, new).text)
        assert found is not None
        return found

    return make


@pytest.fixture
def service(verified: Callable[[NewKey], Key]) -> Key:
    """A service that may make keys."""
    return verified(NewKey("service", Role.SERVICE, scopes=WRITES))


@pytest.fixture
def admin(verified: Callable[[NewKey], Key]) -> Key:
    return verified(NewKey("admin", Role.ADMIN))


def _alive(db: Database, text: str) -> Key:
    found = keys.verify(db, text)
    assert found is not None
    return found


def test_a_key_that_is_handed_on_is_the_same_owners(db: Database, service: Key) -> None:
    made = issuing.make(db, service, NewKey("child", Role.SERVICE))

    child = _alive(db, made.text)
    assert (child.id, child.role) == (service.id, Role.SERVICE)
    assert child.scopes == frozenset(
        {Scope.SUBMISSIONS_READ, Scope.SUBMISSIONS_WRITE}
    )  # not the making of keys, unless named


def test_a_rotated_key_is_the_same_owner_with_another_secret(db: Database) -> None:
    before = keys.create(db, name="n", role="service")
    prefix, owner = before.split("_")[1], _alive(db, before).id

    after = issuing.rotate(db, None, prefix, grace=AT_ONCE, expires_at=None).text

    assert after != before
    assert (_alive(db, after).id, _alive(db, after).prefix) == (owner, prefix)
    assert keys.verify(db, before) is None


def test_the_secret_before_works_for_its_grace(db: Database, rows: Callable[..., object]) -> None:
    first = keys.create(db, name="n", role="service")
    prefix = first.split("_")[1]
    second = issuing.rotate(db, None, prefix, grace=DAY, expires_at=None).text

    assert _alive(db, first) == _alive(db, second)
    third = issuing.rotate(db, None, prefix, grace=DAY, expires_at=None).text
    assert [keys.verify(db, text) is not None for text in (first, second, third)] == [False, True, True]
    rows("UPDATE api_keys SET old_until = now()")
    assert [keys.verify(db, text) is not None for text in (second, third)] == [False, True]


def test_a_revoked_key_takes_the_secret_before_with_it(db: Database) -> None:
    first = keys.create(db, name="n", role="service")
    second = issuing.rotate(db, None, first.split("_")[1], grace=DAY, expires_at=None).text

    issuing.revoke(db, None, first.split("_")[1])

    assert [keys.verify(db, text) for text in (first, second)] == [None, None]
    with pytest.raises(NotFound, match="that works"):
        issuing.rotate(db, None, first.split("_")[1], grace=DAY, expires_at=None)


def test_a_key_ends_with_the_one_that_made_it(db: Database, service: Key) -> None:
    child = issuing.make(db, service, NewKey("child", Role.SERVICE, scopes=WRITES)).text
    grandchild = issuing.make(db, _alive(db, child), NewKey("grandchild", Role.SUBMITTER)).text
    other = keys.create(db, name="other", role="service")

    issuing.revoke(db, service, str(service.prefix))

    assert [keys.verify(db, text) for text in (child, grandchild)] == [None, None]
    assert keys.verify(db, other) is not None


def test_a_key_that_has_ended_makes_no_more(db: Database, service: Key) -> None:
    issuing.revoke(db, None, str(service.prefix))

    with pytest.raises(Unauthenticated, match="revoked"):
        issuing.make(db, service, NewKey("late", Role.SERVICE))


def test_none_slips_through_while_its_maker_is_ended(
    db: Database, service: Key, at_once: Callable[..., list[object]]
) -> None:
    def act(number: int) -> object:
        if number == 0:
            return issuing.revoke(db, None, str(service.prefix))
        try:
            return issuing.make(db, service, NewKey(f"{number}", Role.SERVICE)).text
        except Unauthenticated:
            return None

    made = [text for text in at_once(7, act) if isinstance(text, str)]

    assert [keys.verify(db, text) for text in made] == [None] * len(made)


def test_keys_of_an_administrator_outlive_the_administrators(db: Database, admin: Key) -> None:
    made = issuing.make(db, admin, NewKey("for somebody", Role.OPERATOR)).text

    issuing.revoke(db, None, str(admin.prefix))

    assert _alive(db, made).id != admin.id


TOO_MUCH: dict[str, tuple[NewKey, str]] = {
    "another owner": (NewKey("n", Role.SERVICE, owner_id=UUID(int=1)), "owner_id"),
    "an administrator": (NewKey("n", Role.ADMIN), "role"),
    "an operator": (NewKey("n", Role.OPERATOR), "role"),
    "a scope more": (NewKey("n", Role.SERVICE, scopes=WRITES | {Scope.KEYS_READ}), "scopes"),
    "a network": (NewKey("n", Role.SERVICE, network=True), "network"),
    "another static check": (NewKey("n", Role.SERVICE, static_check="weaker"), "static_check"),
    "more days": (NewKey("n", Role.SERVICE, expires_at=datetime.now(UTC) + 9 * DAY), "expires_at"),
}


@pytest.mark.parametrize(("asked", "field"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_nobody_hands_on_more_than_they_have(
    db: Database, verified: Callable[[NewKey], Key], asked: NewKey, field: str
) -> None:
    ends = datetime.now(UTC) + 8 * DAY
    maker = verified(NewKey("maker", Role.SERVICE, scopes=WRITES, expires_at=ends, static_check="basic"))

    with pytest.raises(InvalidRequest) as raised:
        issuing.make(db, maker, asked)
    assert {problem.field for problem in raised.value.problems} == {field}
    child = _alive(db, issuing.make(db, maker, NewKey("n", Role.SUBMITTER)).text)
    assert (child.expires_at, child.static_check) == (maker.expires_at, "basic")


def test_nobody_has_another_secret_made_for_a_key_that_may_more(
    db: Database, verified: Callable[[NewKey], Key], service: Key
) -> None:
    stronger = (
        NewKey("operator", Role.OPERATOR),
        NewKey("all", Role.SERVICE, scopes=frozenset(Scope)),
        NewKey("network", Role.SERVICE, scopes=WRITES, network=True),
    )
    for one in stronger:
        made = verified(replace(one, owner_id=service.id))
        with pytest.raises(InvalidRequest, match="may more"):
            issuing.rotate(db, service, str(made.prefix), grace=AT_ONCE, expires_at=None)
    equal = verified(NewKey("equal", Role.SERVICE, owner_id=service.id, scopes=WRITES))
    issuing.rotate(db, service, str(equal.prefix), grace=AT_ONCE, expires_at=None)
    issuing.rotate(db, service, str(service.prefix), grace=AT_ONCE, expires_at=None)


WEAKER = KeyLimits(ceilings={"memory_mb": 128}, rate="5/minute")
BESIDE = {
    "none": (KeyLimits(), False),
    "another rate": (KeyLimits(ceilings={"memory_mb": 128}, rate="500/minute"), False),
    "a higher ceiling": (KeyLimits(ceilings={"memory_mb": 129}, rate="5/minute"), False),
    "another ceiling": (KeyLimits(ceilings={"timeout_ms": 1000}, rate="5/minute"), False),
    "the same": (WEAKER, True),
    "lower ones": (KeyLimits(ceilings={"memory_mb": 64, "timeout_ms": 1000}, rate="5/minute", at_once=1), True),
}


@pytest.mark.parametrize(("limits", "allowed"), BESIDE.values(), ids=BESIDE)
def test_nobody_has_another_secret_made_for_a_key_of_weaker_limits(
    db: Database, verified: Callable[[NewKey], Key], limits: KeyLimits, allowed: bool
) -> None:
    maker = verified(NewKey("maker", Role.SERVICE, scopes=WRITES))
    beside = verified(NewKey("beside", Role.SERVICE, scopes=WRITES, owner_id=maker.id))
    keys.limit(db, str(maker.prefix), WEAKER)
    keys.limit(db, str(beside.prefix), limits)
    limited = replace(maker, limits=WEAKER)

    if allowed:
        issuing.rotate(db, limited, str(beside.prefix), grace=AT_ONCE, expires_at=None)
        return
    with pytest.raises(InvalidRequest, match="may more"):
        issuing.rotate(db, limited, str(beside.prefix), grace=AT_ONCE, expires_at=None)


def test_an_administrators_key_of_few_scopes_makes_none_that_reaches_further(
    db: Database, verified: Callable[[NewKey], Key], admin: Key
) -> None:
    clerk = verified(NewKey("clerk", Role.ADMIN, scopes=frozenset({Scope.KEYS_WRITE})))

    for asked in (NewKey("n", Role.ADMIN), NewKey("n", Role.OPERATOR), NewKey("n", Role.ADMIN, scopes=WRITES)):
        with pytest.raises(InvalidRequest, match="everybody's"):
            issuing.make(db, clerk, asked)
    with pytest.raises(InvalidRequest, match="everybody's"):
        issuing.rotate(db, clerk, str(admin.prefix), grace=AT_ONCE, expires_at=None)
    issuing.make(db, clerk, NewKey("for somebody", Role.SERVICE))
    issuing.rotate(db, clerk, str(clerk.prefix), grace=AT_ONCE, expires_at=None)


def test_a_rotation_does_not_lengthen_ones_own_life(db: Database, verified: Callable[[NewKey], Key]) -> None:
    ends = datetime.now(UTC) + DAY
    short = verified(NewKey("short", Role.SERVICE, scopes=WRITES, expires_at=ends))
    long = verified(NewKey("long", Role.SERVICE, scopes=WRITES, owner_id=short.id))

    with pytest.raises(InvalidRequest, match="expires_at"):
        issuing.rotate(db, short, str(short.prefix), grace=AT_ONCE, expires_at=ends + DAY)
    with pytest.raises(InvalidRequest, match="may more"):
        issuing.rotate(db, short, str(long.prefix), grace=AT_ONCE, expires_at=None)


def test_keys_of_others_are_not_there(db: Database, service: Key) -> None:
    other = keys.create(db, name="other", role="submitter").split("_")[1]

    for prefix in (other, "0" * 12, "nobody", "\0", "' OR 1=1"):
        with pytest.raises(NotFound, match="no key"):
            issuing.rotate(db, service, prefix, grace=AT_ONCE, expires_at=None)
        with pytest.raises(NotFound, match="no key"):
            issuing.revoke(db, service, prefix)
    assert {entry.name for entry in key_list.page(db, service.id, before=None, limit=9)} == {"service"}
    assert {entry.name for entry in key_list.page(db, None, before=None, limit=9)} == {"service", "other"}


def test_an_administrator_makes_keys_for_anybody(db: Database, admin: Key, service: Key) -> None:
    made = issuing.make(db, admin, NewKey("more", Role.SUBMITTER, owner_id=service.id))

    assert _alive(db, made.text).id == service.id
    with pytest.raises(NotFound, match="no owner"):
        issuing.make(db, admin, NewKey("n", Role.SUBMITTER, owner_id=UUID(int=404)))


def test_a_key_made_with_a_token_is_its_owners_and_does_not_last_for_ever(db: Database) -> None:
    owner = owners.of_subject(db, "https://login.example", "alice")
    by = Key(
        owner, "alice", Role.SUBMITTER, scopes=frozenset(Scope), expires_at=datetime.now(UTC) + timedelta(minutes=15)
    )

    child = _alive(db, issuing.make(db, by, NewKey("mine", Role.SUBMITTER)).text)

    assert child.id == owner
    assert child.expires_at is not None
    assert 89 * DAY < child.expires_at - datetime.now(UTC) <= issuing.MAX_BY_TOKEN
    with pytest.raises(InvalidRequest, match="expires_at"):
        issuing.make(db, by, NewKey("n", Role.SUBMITTER, expires_at=datetime.now(UTC) + 91 * DAY))


def test_what_is_done_with_keys_stands_in_the_audit_log(db: Database, service: Key) -> None:
    made = issuing.make(db, service, NewKey("child", Role.SERVICE))
    issuing.rotate(db, None, made.entry.prefix, grace=AT_ONCE, expires_at=None)
    issuing.revoke(db, service, made.entry.prefix)

    told = [(entry.event, entry.actor, entry.details["prefix"]) for entry in audit.latest(db, 3)]
    assert told == [
        ("key_revoked", f"key {service.prefix}", made.entry.prefix),
        ("key_rotated", "shipd keys", made.entry.prefix),
        ("key_created", f"key {service.prefix}", made.entry.prefix),
    ]
    assert made.text.split("_")[2] not in str(audit.latest(db, 10))


def test_a_scope_that_this_release_does_not_know_grants_nothing(db: Database, rows: Callable[..., object]) -> None:
    text = keys.create(db, name="n", role="admin")
    rows("UPDATE api_keys SET scopes = '{submissions:read,fleet:destroy}'")

    assert _alive(db, text).scopes == frozenset({Scope.SUBMISSIONS_READ})
