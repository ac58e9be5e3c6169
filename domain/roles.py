"""Who may do what (pure): the one table, which the API asks and docs/access.md shows.

A role grants scopes, each for one's own things or for everybody's; the scopes of a key narrow what its role grants.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is to the platform."""

    ADMIN = "admin"
    OPERATOR = "operator"
    AUTHOR = "author"
    SERVICE = "service"
    SUBMITTER = "submitter"

    @property
    def is_person(self) -> bool:
        """Whether it sends what people type: less source at once than programs send."""
        return self not in {Role.ADMIN, Role.SERVICE}

    @property
    def names_users(self) -> bool:
        """Whether it may act for a `user_id`."""
        return not self.is_person


class Scope(StrEnum):
    """One kind of thing to do. The list is closed: what is not in it cannot be granted."""

    SUBMISSIONS_WRITE = "submissions:write"
    SUBMISSIONS_READ = "submissions:read"
    PROBLEMS_WRITE = "problems:write"
    PROBLEMS_READ = "problems:read"
    WEBHOOKS_WRITE = "webhooks:write"
    WEBHOOKS_READ = "webhooks:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    REGRADES_READ = "regrades:read"
    REGRADES_WRITE = "regrades:write"
    HOSTS_READ = "hosts:read"


class Reach(StrEnum):
    """Whose things a scope is about."""

    OWN = "own"
    ALL = "all"


_OPERATORS = frozenset({Scope.REGRADES_READ, Scope.REGRADES_WRITE, Scope.HOSTS_READ})
"""About everybody's things or nobody's."""
_OWN = {scope: Reach.OWN for scope in Scope if scope not in _OPERATORS}
GRANTS: Mapping[Role, Mapping[Scope, Reach]] = {
    Role.SUBMITTER: {scope: reach for scope, reach in _OWN.items() if scope is not Scope.PROBLEMS_WRITE},
    Role.SERVICE: _OWN,
    Role.AUTHOR: _OWN,
    Role.OPERATOR: _OWN
    | dict.fromkeys(
        (Scope.SUBMISSIONS_READ, Scope.PROBLEMS_READ, Scope.WEBHOOKS_READ, Scope.KEYS_READ, *_OPERATORS), Reach.ALL
    ),
    Role.ADMIN: dict.fromkeys(Scope, Reach.ALL),
}
NAMED = frozenset({Scope.KEYS_WRITE})
"""Granted for one's own things only where the key names it: whoever finds a key must not be able to make more of it."""


def reach(role: Role, scopes: frozenset[Scope] | None, wanted: Scope) -> Reach | None:
    """Say whose things somebody may do this with, None where nobody's; `scopes` None is all that the role may."""
    granted = GRANTS[role].get(wanted)
    if scopes is not None:
        return granted if wanted in scopes else None
    return None if granted is Reach.OWN and wanted in NAMED else granted


def granted(role: Role, scopes: frozenset[Scope] | None) -> frozenset[Scope]:
    """Give all that somebody may do."""
    return frozenset(scope for scope in Scope if reach(role, scopes, scope) is not None)


def read_scopes(names: Iterable[str] | None) -> frozenset[Scope] | None:
    """Give scopes by name; one that this release does not know grants nothing."""
    return None if names is None else frozenset(scope for scope in Scope if scope in set(names))
