"""What this deployment offers: what the reading of a request must know beside the request."""

from dataclasses import dataclass, field

from domain.languages import Languages
from domain.limits import Ranges
from domain.webhook_settings import WebhookSettings


@dataclass(frozen=True)
class Rules:
    """The limits for one caller. `max_source_bytes` is the most that all sources may hold together."""

    ranges: Ranges
    languages: Languages
    max_source_bytes: int
    network: bool = False
    """Whether the caller's key carries the permission."""
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    """Where webhooks may go."""
