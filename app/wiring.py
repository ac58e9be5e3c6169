"""What `create_app` put together, for the views of that application."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from app.backend import Backend
from app.schemas.rules import Rules
from domain.errors import InvalidRequest, Unavailable
from domain.keys import Key, Role
from domain.languages import Languages
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
        """Say what a caller may send: people less source than services and administrators."""
        person = key is None or key.role is Role.SUBMITTER
        most = self.settings.person_source_bytes if person else self.settings.max_body_bytes
        own = self.settings
        network = key is not None and key.network
        return Rules(own.ranges, self.languages, most, network=network, webhooks=own.webhooks)

    def static_check(self, key: Key | None) -> str | None:
        """Name the static check that a caller's submissions are under. Raises Unavailable where its file is gone."""
        if key is None or key.static_check is None:
            return None
        try:
            return self.static_checks.choose(key.static_check).name
        except InvalidRequest as error:
            hint = "its operator must bring the file back, or make another key"
            raise Unavailable(f"this key is for checked sources only: {error}; {hint}") from error


def wired() -> Wiring:
    """Give the parts of the application that serves this request."""
    return cast("Wiring", current_app.extensions[EXTENSION])
