"""Keys made, rotated and ended for somebody who asks, each noted in the audit log.

Whoever may do so with their own keys alone can hand on less than they have, never more: not another owner, no other
role than their own or a submitter's, no scope, permission or day beyond their own key's. An administrator makes keys
for anybody, but with a key of few scopes none that reaches everybody's things with others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from domain import audit, key_list, keys
from domain.db import Connection, Database
from domain.errors import InvalidRequest, NotFound, Problem
from domain.ids import new_id
from domain.key_list import KeyEntry
from domain.keys import Key, NewKey
from domain.roles import Reach, Role, Scope, granted, reach

MAX_GRACE = timedelta(days=30)
MAX_BY_TOKEN = timedelta(days=90)
"""The longest life of a key that is made with a token."""
MADE, ROTATED, REVOKED = "key_created", "key_rotated", "key_revoked"


@dataclass(frozen=True)
class Issued:
    """A key whose text is shown this once."""

    text: str
    entry: KeyEntry


def make(db: Database, by: Key | None, new: NewKey) -> Issued:
    """Make a key; `by` None is an operator at the command line, who may everything.

    Raises InvalidRequest naming what is more than the asker has, NotFound for an owner who is not there, Unavailable.
    """
    asked = new if by is None else _within(by, new)
    with db.transaction() as tx:
        text = keys.insert(tx, asked)
        entry = key_list.one(tx, text.split("_")[1], None)
        _note(tx, MADE, by, entry)
    return Issued(text, entry)


def rotate(db: Database, by: Key | None, prefix: str, *, grace: timedelta, expires_at: datetime | None) -> Issued:
    """Give a key another secret. Raises NotFound, for somebody else's too; InvalidRequest, Unavailable."""
    with db.transaction() as tx:
        entry = key_list.one(tx, prefix, _whose(by))
        if by is not None:
            _refuse(*_of_rotation(by, entry, expires_at))
        text = keys.rotate(tx, prefix, grace=grace, expires_at=expires_at)
        entry = key_list.one(tx, prefix, None)
        _note(tx, ROTATED, by, entry)
    return Issued(text, entry)


def revoke(db: Database, by: Key | None, prefix: str) -> KeyEntry:
    """End a key and all that were made with it. Raises NotFound, for somebody else's too; Unavailable."""
    with db.transaction() as tx:
        key_list.one(tx, prefix, _whose(by))
        ended = keys.end(tx, prefix)
        for one in ended:
            _note(tx, REVOKED, by, key_list.one(tx, one, None))
        return key_list.one(tx, prefix, None)


def _reach(by: Key) -> Reach:
    found = by.reach(Scope.KEYS_WRITE)
    if found is None:
        raise NotFound("this key may not make keys")
    return found


def _whose(by: Key | None) -> UUID | None:
    return None if by is None or _reach(by) is Reach.ALL else by.id


def _within(by: Key, new: NewKey) -> NewKey:
    """Give the key with what its maker leaves open as in their own. Raises InvalidRequest for what is more."""
    if _reach(by) is Reach.ALL:
        _refuse(*_of_reach(by, new.role, new.scopes))
        return new
    allowed = granted(by.role, by.scopes)
    asked = replace(
        new,
        owner_id=new.owner_id or by.id,
        scopes=allowed - {Scope.KEYS_WRITE} if new.scopes is None else new.scopes,
        expires_at=new.expires_at or _last_day(by),
        static_check=new.static_check or by.static_check,
        made_with=by.key_id,
    )
    _refuse(*_beyond(by, asked), _of_day(by, asked.expires_at))
    return asked


def _beyond(by: Key, asked: NewKey) -> Iterator[Problem | None]:
    hint = "ask for no more than your own key may, or ask an administrator"
    if asked.owner_id != by.id:
        yield Problem("owner_id", "is somebody else", "leave it out: the key will be yours")
    if asked.role not in {by.role, Role.SUBMITTER}:
        yield Problem("role", f"{asked.role.value!r} is not your own role", f"use {by.role.value} or submitter")
    more = (asked.scopes or frozenset()) - granted(by.role, by.scopes)
    if more:
        yield Problem("scopes", f"you may not {', '.join(sorted(more))} yourself", hint)
    if asked.network and not by.network:
        yield Problem("network", "your own key may not use the network", hint)
    if asked.static_check != by.static_check and by.static_check is not None:
        yield Problem("static_check", f"your own key is for sources that pass {by.static_check!r}", hint)


def _last_day(by: Key) -> datetime | None:
    """Give until when a key of theirs may work. A token is short by intention, and nobody asks its issuer again."""
    return by.expires_at if by.key_id is not None else datetime.now(UTC) + MAX_BY_TOKEN


def _of_day(by: Key, expires_at: datetime | None) -> Problem | None:
    last = _last_day(by)
    if last is None or expires_at is None or expires_at <= last:
        return None
    return Problem(
        "expires_at", f"is later than you may ask for, {last.isoformat('T', 'seconds')}", "use an earlier one"
    )


def _of_reach(by: Key, role: Role, scopes: frozenset[Scope] | None) -> Iterator[Problem]:
    """Look whether a key would reach everybody's things where that of an administrator does not."""
    more = [scope for scope in Scope if reach(role, scopes, scope) is Reach.ALL and by.reach(scope) is not Reach.ALL]
    if more:
        hint = "name scopes that your own key has, or ask with one that has them"
        yield Problem("role", f"would reach everybody's things with {', '.join(more)}, and your own key does not", hint)


def _of_rotation(by: Key, entry: KeyEntry, expires_at: datetime | None) -> Iterator[Problem | None]:
    """Look whether another secret of a key would give the asker more than they have."""
    if _reach(by) is Reach.ALL:
        yield from _of_reach(by, entry.role, entry.scopes)
        return
    yield _of_day(by, expires_at)
    last = _last_day(by)
    if entry.prefix != by.prefix and (
        entry.role not in {by.role, Role.SUBMITTER}
        or not granted(entry.role, entry.scopes) <= granted(by.role, by.scopes)
        or (entry.network and not by.network)
        or (by.static_check is not None and entry.static_check != by.static_check)
        or not entry.limits.within(by.limits)
        or (last is not None and (entry.expires_at is None or entry.expires_at > last))
    ):
        yield Problem("", "this key may more than yours", "rotate it with itself, or ask an administrator")


def _refuse(*found: Problem | None) -> None:
    problems = [problem for problem in found if problem is not None]
    if problems:
        raise InvalidRequest(*problems)


def _note(tx: Connection, event: str, by: Key | None, entry: KeyEntry) -> None:
    actor = "shipd keys" if by is None else f"key {by.prefix}" if by.prefix else f"owner {by.id}"
    details = {
        "prefix": entry.prefix,
        "name": entry.name,
        "role": entry.role.value,
        "owner_id": str(entry.owner_id),
        "scopes": None if entry.scopes is None else sorted(entry.scopes),
    }
    audit.note(tx, [(new_id(), event, actor, None, None, Jsonb(details))])
