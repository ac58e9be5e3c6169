"""What this deployment offers: what the reading of a request must know beside the request."""

from dataclasses import dataclass, field
from uuid import UUID

from domain.languages import Languages
from domain.limits import MAX_TEST_CASES, Ranges
from domain.webhook_settings import WebhookSettings

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Rules:
    """The limits for one caller. `max_source_bytes` is the most that all sources may hold together."""

    ranges: Ranges
    languages: Languages
    max_source_bytes: int
    most_test_cases: int = MAX_TEST_CASES
    network: bool = False
    """Whether the caller's key carries the permission."""
    names_users: bool = True
    """Whether the caller may act for a `user_id`."""
    problems_of: UUID | None = NOBODY
    """Whose problems the caller may name besides public ones; None: anybody's."""
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    """Where webhooks may go."""
