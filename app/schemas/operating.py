"""What `shipd` prints for programs of queues, executions and users."""

from dataclasses import fields
from datetime import datetime
from enum import Enum
from uuid import UUID

from domain.operating import ExecutionEntry
from domain.queues import InQueue, Waiting
from domain.story import Lost
from domain.users import User

Json = dict[str, object]


def queue_json(one: Waiting, messages: int | None) -> Json:
    """Give a queue, with the messages that no worker has taken; None where the broker does not answer."""
    return {
        "name": one.queue.value,
        "paused": one.paused_at is not None,
        "paused_at": _plain(one.paused_at),
        "messages": messages,
        "queued": one.queued,
        "without_place": one.without_place,
        "at_work": one.at_work,
        "oldest_at": _plain(one.oldest_at),
    }


def in_queue_json(one: InQueue, messages: int | None) -> Json:
    """Give a queue of a region or a host, with the messages that no worker has taken."""
    return {
        "name": one.name,
        "messages": messages,
        "queued": one.queued,
        "at_work": one.at_work,
        "oldest_at": _plain(one.oldest_at),
    }


def entry_json(one: ExecutionEntry) -> Json:
    """Give an execution."""
    return {field.name: _plain(getattr(one, field.name)) for field in fields(one)}


def user_json(one: User) -> Json:
    """Give an owner."""
    return {field.name: _plain(getattr(one, field.name)) for field in fields(one)}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    if isinstance(value, Lost):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value.value if isinstance(value, Enum) else value
