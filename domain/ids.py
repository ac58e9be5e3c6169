"""Keys of rows: UUIDv7, so that new rows stand beside each other in an index and sort by when they were made."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import uuid_utils.compat

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BELOW_TIME_BITS = 80


def new_id() -> UUID:
    """Make a new key; later ones compare greater, even within one millisecond of one process."""
    return uuid_utils.compat.uuid7()


def first_at(moment: datetime) -> UUID:
    """Give what no key of this moment or later is less than: they begin with the milliseconds since 1970."""
    return UUID(int=(moment - _EPOCH) // timedelta(milliseconds=1) << _BELOW_TIME_BITS)


def time_of(key: UUID) -> datetime:
    """Say when a key was made."""
    return _EPOCH + timedelta(milliseconds=key.int >> _BELOW_TIME_BITS)
