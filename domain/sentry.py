"""Errors told to Sentry, where a deployment says so (SENTRY_DSN): what failed and where, and nothing that anybody sent.

What is told is chosen (decision 42), not what is left out: the exception's type with the stack through our code, the
ids by which its log lines are found, and the events that were logged before it, by their names. The words of an
exception stay in the log here: they may quote a source, an input, a password in a URL.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.types import Breadcrumb, BreadcrumbHint, Event, Hint
from sentry_sdk.utils import exceptions_from_error_tuple

from domain import __version__
from domain.logging import without_secrets
from domain.settings import Settings

UNTOLD = "the words of this error are in the log"
IDS = (
    *("request_id", "trace_id", "submission_id", "execution_id", "delivery_id", "version_id", "host", "worker"),
    *("owner_id", "key_prefix"),
)
"""What log lines bear of these is told, so that they can be found."""

_WHOLE = ("event_id", "timestamp", "platform", "level", "logger", "release", "environment", "server_name", "sdk")
_FRAME = (
    "function",
    "module",
    "filename",
    "abs_path",
    "lineno",
    "pre_context",
    "context_line",
    "post_context",
    "in_app",
)
_ID = re.compile(r"[A-Za-z0-9._/@-]{1,100}")
_EVENT_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ANSWERED = "app.errors"
"""What it logs of unforeseen exceptions, the integration of Flask reports with their stack."""


def start_sentry(settings: Settings, *more: Integration) -> None:
    """Start reporting; nothing at all without a DSN. `more` are this program's: Flask's or Celery's."""
    if settings.sentry_dsn is None:
        return
    ignore_logger(_ANSWERED)
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        release=f"shipd@{__version__}",
        environment=settings.instance,
        server_name=settings.host_name,
        # Named, not found: others would put traces into the environment of every program that is started, nsjail's
        # among them, and note each command to Redis.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            AtexitIntegration(callback=_end_quietly),
            DedupeIntegration(),
            ExcepthookIntegration(),
            LoggingIntegration(sentry_logs_level=None),
            ThreadingIntegration(),
            *more,
        ],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        propagate_traces=False,
        trace_propagation_targets=[],
        auto_session_tracking=False,
        send_client_reports=False,
        enable_metrics=False,
        before_send=_told,
        before_send_transaction=_nothing,
        before_breadcrumb=_crumb,
    )


def tag(ids: Mapping[str, str]) -> None:
    """Have errors of this request or task say these, those too that are found when its log lines are over."""
    if sentry_sdk.get_client().is_active():
        sentry_sdk.get_isolation_scope().set_tags(ids)


def _end_quietly(_pending: int, _timeout: float) -> None:
    """Say nothing on stderr, where log lines are."""


def _nothing(_event: Event, _hint: Hint) -> None:
    """Send none of them."""


def _told(event: Event, hint: Hint) -> Event:
    """Make what is sent anew, of what may be told."""
    hint.pop("attachments", None)
    found: Mapping[str, Any] = event
    values = found.get("exception", {}).get("values") or _being_handled(hint)
    name = _name(hint)
    told = {
        **{key: found[key] for key in _WHOLE if key in found},
        **({"logentry": {"message": name}} if name else {}),
        **({"transaction": found["transaction"]} if found.get("transaction") else {}),
        **({"exception": {"values": [_exception(one) for one in values]}} if values else {}),
        "request": {"method": found["request"].get("method")} if "request" in found else {},
        "contexts": {"runtime": found.get("contexts", {}).get("runtime", {})},
        "breadcrumbs": {"values": [_told_crumb(one) for one in found.get("breadcrumbs", {}).get("values", [])]},
        "tags": {**_ids(dict(found.get("tags", {}))), **_ids(structlog.contextvars.get_contextvars())},
    }
    return _cleaned(told)  # type: ignore[return-value] # of the same shape


def _being_handled(hint: Hint) -> Iterable[Mapping[str, Any]]:
    """Give the exception that is being logged: structlog has made words of it before Sentry sees the record."""
    error = sys.exc_info()
    if "log_record" not in hint or error[0] is None:
        return ()
    return exceptions_from_error_tuple(error, client_options=sentry_sdk.get_client().options)


def _exception(value: Mapping[str, Any]) -> dict[str, Any]:
    mechanism = value.get("mechanism") or {}
    frames = (value.get("stacktrace") or {}).get("frames", [])
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": UNTOLD,
        "mechanism": {key: mechanism[key] for key in ("type", "handled") if key in mechanism},
        "stacktrace": {"frames": [{key: frame[key] for key in _FRAME if key in frame} for frame in frames]},
    }


def _name(hint: Hint | BreadcrumbHint) -> str | None:
    """Give the name of the event that was logged: a constant of ours; None for what others log."""
    record = hint.get("log_record")
    said = getattr(record, "msg", None)
    name = said.get("event") if isinstance(said, dict) else None
    return name if isinstance(name, str) and _EVENT_NAME.fullmatch(name) else None


def _crumb(crumb: Breadcrumb, hint: BreadcrumbHint) -> Breadcrumb | None:
    """Note what was logged by its name, and nothing else that happened."""
    name = _name(hint)
    return None if name is None else {**_told_crumb(crumb), "message": name}


def _told_crumb(crumb: Mapping[str, Any]) -> dict[str, Any]:
    message = crumb.get("message")
    known = {key: crumb[key] for key in ("timestamp", "category", "level") if key in crumb}
    return {**known, "message": message} if _EVENT_NAME.fullmatch(str(message)) else known


def _ids(bound: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name in IDS if isinstance(value := bound.get(name), str) and _ID.fullmatch(value)}


def _cleaned(value: object) -> object:
    """Take keys and tokens out of all of it, should any have come so far."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {name: _cleaned(member) for name, member in value.items()}
    return [_cleaned(member) for member in value] if isinstance(value, list | tuple) else value
