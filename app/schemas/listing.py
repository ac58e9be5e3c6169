"""Lists as answers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from app.readiness import Check
from app.schemas import links
from app.schemas.paging import next_cursor
from app.schemas.response import Json, time_json, verdict_json
from app.schemas.selecting import select
from app.schemas.submission_list import FilteredPage
from domain import __version__
from domain.audit import Entry
from domain.language import Language
from domain.languages import Languages
from domain.listing import Summary
from domain.scoring import shown
from domain.verdict import hidden_reason


def page_json(found: Sequence[Summary], asked: FilteredPage) -> Json:
    """Give a page of submissions; a cursor where there may be more."""
    return {
        "submissions": [select(summary_json(summary), asked.fields) for summary in found],
        "next_cursor": next_cursor(found, asked, asdict(asked.filters)),
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
            "points": shown(summary.points),
        },
    }


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
    missing = [check for check in checks if not check.ok]
    status = "unavailable" if any(check.needed for check in missing) else "degraded" if missing else "ok"
    return {"status": status, "checks": checks_json(checks)}


def checks_json(checks: Sequence[Check]) -> list[Json]:
    """Give each check."""
    return [{"name": check.name, "ok": check.ok, "message": check.message} for check in checks]


def index_json(flower_url: str | None) -> Json:
    """Give the way to everything else."""
    pages = {
        "docs": "/docs",
        "openapi": "/openapi.json",
        "submissions": "/v1/submissions",
        "languages": "/v1/languages",
        "usage": "/v1/usage",
        "me": "/v1/me",
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
