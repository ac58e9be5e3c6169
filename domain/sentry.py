"""Errors told to Sentry, where a deployment says so (SENTRY_DSN); request bodies and local variables stay here."""

import sentry_sdk
from sentry_sdk.integrations.stdlib import StdlibIntegration
from sentry_sdk.types import Event, Hint

from domain import __version__
from domain.logging import without_secrets
from domain.settings import Settings


def start_sentry(settings: Settings) -> None:
    """Start reporting; nothing at all without a DSN."""
    if settings.sentry_dsn is None:
        return
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        release=f"shipd@{__version__}",
        environment=settings.instance,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        # It puts traces into the environment of every program that is started, nsjail's and compilers' among them.
        disabled_integrations=[StdlibIntegration],
        before_send=_without_secrets,
    )


def _without_secrets(event: Event, _hint: Hint) -> Event:
    """Take keys and tokens out of everything: they come in headers of other protocols that Sentry does not know."""
    return _cleaned(event)  # type: ignore[return-value] # of the same shape


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {name: _cleaned(member) for name, member in value.items()}
    return [_cleaned(member) for member in value] if isinstance(value, list | tuple) else value
