"""Where what is being done comes from, for the audit log: said once by whoever takes it in, and not handed on by all.

A request says its address, its id and its key; a command of `shipd` the user and the host. A worker says nothing: what
it writes names it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from psycopg.types.json import Jsonb

NOBODY = "shipd"
"""Who acts where nobody said so: the platform itself."""

_known: ContextVar[Mapping[str, str]] = ContextVar("origin", default={})  # noqa: B039 - nothing changes it


def begin(**said: str | None) -> None:
    """Say from where the thread does what it does next; whatever was said before is forgotten."""
    _known.set({name: value for name, value in said.items() if value is not None})


def add(**said: str) -> None:
    """Say more of it."""
    _known.set({**_known.get(), **said})


@contextmanager
def bound(**said: str | None) -> Iterator[None]:
    """Say it for the block."""
    before = _known.get()
    begin(**said)
    try:
        yield
    finally:
        _known.set(before)


def stored() -> Jsonb | None:
    """Give it as a column takes it; None where nothing was said."""
    known = _known.get()
    return Jsonb(dict(known)) if known else None


def actor() -> str:
    """Name who acts: a key by its prefix, else its owner; the command of `shipd`, else the platform."""
    known = _known.get()
    if "key_prefix" in known:
        return f"key {known['key_prefix']}"
    if "owner_id" in known:
        return f"owner {known['owner_id']}"
    return known.get("command", NOBODY)
