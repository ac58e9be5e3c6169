"""What `create_app` put together, for the views of that application."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from app.backend import Backend
from app.schemas.rules import Rules
from domain.keys import Key, Role
from domain.languages import Languages
from domain.settings import Settings

EXTENSION = "shipd"


@dataclass(frozen=True)
class Wiring:
    """The parts of one application."""

    settings: Settings
    backend: Backend
    languages: Languages

    def rules(self, key: Key | None) -> Rules:
        """Say what a caller may send: people less source than services and administrators."""
        person = key is None or key.role is Role.SUBMITTER
        most = self.settings.person_source_bytes if person else self.settings.max_body_bytes
        return Rules(self.settings.ranges, self.languages, most, network=key is not None and key.network)


def wired() -> Wiring:
    """Give the parts of the application that serves this request."""
    return cast("Wiring", current_app.extensions[EXTENSION])
