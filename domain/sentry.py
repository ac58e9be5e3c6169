"""Errors told to Sentry, where a deployment says so (SENTRY_DSN); request bodies and local variables stay here."""

import sentry_sdk

from domain import __version__
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
    )
