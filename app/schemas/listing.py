"""Lists as answers."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.readiness import Check
from app.schemas import links
from app.schemas.response import Json, time_json, verdict_json
from domain import __version__
from domain.audit import Entry
from domain.keys import KeyEntry
from domain.languages import Language, Languages
from domain.listing import Place, Summary
from domain.verdict import hidden_reason

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BYTES = 8


def page_json(page: Sequence[Summary], *, full: bool) -> Json:
    """Give a page of submissions; a cursor where there may be more."""
    return {
        "submissions": [summary_json(summary) for summary in page],
        "next_cursor": cursor(page[-1].place) if page and full else None,
    }


def summary_json(summary: Summary) -> Json:
    """Give a submission in short."""
    reason = hidden_reason(summary.verdict, summary.reason) if summary.of_hidden else summary.reason
    return {
        "id": str(summary.id),
        "links": {"self": links.submission(summary.id)},
        "created_at": time_json(summary.created_at),
        "language": summary.language,
        "priority": summary.priority.value,
        "user_id": summary.user_id,
        "problem_id": summary.problem_id,
        "execution": {
            "id": str(summary.execution_id),
            "state": summary.state.value,
            "verdict": verdict_json(summary.verdict),
            "reason": reason,
            "points": summary.points,
        },
    }


def cursor(place: Place) -> str:
    """Write a place so that nobody is tempted to build one."""
    microseconds = (place.created_at - _EPOCH) // timedelta(microseconds=1)
    raw = microseconds.to_bytes(_TIME_BYTES, "big") + place.id.bytes
    return base64.urlsafe_b64encode(raw).decode("ascii")


def place(text: str) -> Place | None:
    """Read a cursor back; None for what is none."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
        microseconds = int.from_bytes(raw[:_TIME_BYTES], "big")
        return Place(_EPOCH + timedelta(microseconds=microseconds), UUID(bytes=raw[_TIME_BYTES:]))
    except (binascii.Error, ValueError, OverflowError):
        return None


def languages_json(known: Languages, available: Mapping[str, str]) -> Json:
    """Give all languages by name, with the version that live hosts have."""
    ordered = sorted(known.known.values(), key=lambda language: language.name)
    return {"languages": [_language_json(language, available.get(language.name)) for language in ordered]}


def _language_json(language: Language, version: str | None) -> Json:
    return {
        "name": language.name,
        "title": language.title,
        "versions": list(language.versions),
        "default_version": language.default_version,
        "main_file": language.main_file,
        "available": version is not None,
        "version": version,
        "install": None if version is not None else language.install,
    }


def health_json(checks: Sequence[Check]) -> Json:
    """Give what answers and what does not."""
    return {
        "status": "ok" if all(check.ok for check in checks) else "unavailable",
        "checks": checks_json(checks),
    }


def checks_json(checks: Sequence[Check]) -> list[Json]:
    """Give each check."""
    return [{"name": check.name, "ok": check.ok, "message": check.message} for check in checks]


def key_json(entry: KeyEntry) -> Json:
    """Give a key as operators see it."""
    return {
        "prefix": entry.prefix,
        "name": entry.name,
        "role": entry.role.value,
        "network": entry.network,
        "static_check": entry.static_check,
        "created_at": time_json(entry.created_at),
        "expires_at": time_json(entry.expires_at),
        "revoked_at": time_json(entry.revoked_at),
    }


def index_json(flower_url: str | None) -> Json:
    """Give the way to everything else."""
    pages = {
        "docs": "/docs",
        "openapi": "/openapi.json",
        "submissions": "/v1/submissions",
        "languages": "/v1/languages",
    }
    return {
        "name": "shipd",
        "version": __version__,
        "links": pages | {"health": "/readyz"} | ({"flower": flower_url} if flower_url else {}),
    }


def entry_json(entry: Entry) -> Json:
    """Give one line of the audit log."""
    return {
        "at": time_json(entry.at),
        "event": entry.event,
        "actor": entry.actor,
        "submission_id": None if entry.submission_id is None else str(entry.submission_id),
        "execution_id": None if entry.execution_id is None else str(entry.execution_id),
        "details": dict(entry.details),
    }
