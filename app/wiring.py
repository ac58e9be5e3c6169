"""What `create_app` put together, for the views of that application."""

from dataclasses import dataclass
from typing import cast
from uuid import UUID

from flask import current_app

from app.backend import Backend
from app.schemas.rules import NOBODY, Rules
from domain.errors import InvalidRequest, Unavailable
from domain.key_limits import NO_LIMITS
from domain.keys import Key
from domain.languages import Languages
from domain.roles import Reach, Role, Scope
from domain.settings import Settings
from domain.static_checks import StaticChecks

EXTENSION = "shipd"


@dataclass(frozen=True)
class Wiring:
    """The parts of one application."""

    settings: Settings
    backend: Backend
    languages: Languages
    static_checks: StaticChecks

    def rules(self, key: Key | None) -> Rules:
        """Say what a caller may send: people less source than services and administrators, and in no other's name."""
        role = Role.SUBMITTER if key is None else key.role
        limits = key.limits if key is not None else NO_LIMITS
        settings = self.settings
        return Rules(
            ranges=limits.lower(settings.ranges),
            languages=self.languages,
            max_source_bytes=settings.person_source_bytes if role.is_person else settings.service_source_bytes,
            most_test_cases=limits.most_test_cases,
            network=key is not None and key.network,
            names_users=role.names_users,
            problems_of=_problems_of(key),
            webhooks=settings.webhooks,
        )

    def static_check(self, key: Key | None) -> str | None:
        """Name the static check that a caller's submissions are under. Raises Unavailable where its file is gone."""
        if key is None or key.static_check is None:
            return None
        try:
            return self.static_checks.choose(key.static_check).name
        except InvalidRequest as error:
            hint = "its operator must bring the file back, or make another key"
            raise Unavailable(f"this key is for checked sources only: {error}; {hint}") from error


def _problems_of(key: Key | None) -> UUID | None:
    if key is None:
        return NOBODY
    return None if key.reach(Scope.PROBLEMS_READ) is Reach.ALL else key.id


def wired() -> Wiring:
    """Give the parts of the application that serves this request."""
    return cast("Wiring", current_app.extensions[EXTENSION])
