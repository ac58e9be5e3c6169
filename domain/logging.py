"""Logs: one JSON object a line on stderr, a constant event with fields, ids bound once per request or task.

    log = domain.logging.logger(__name__)
    log.info("test_case_graded", ordinal=3, verdict="TLE")

Never log source code, inputs, outputs or keys. What looks like a key, a token or a URL with a password all the same
loses its secret here.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

_labels: dict[str, str] = {}


def label(**names: str) -> None:
    """Have every line of this process say these of itself, where it does not say otherwise."""
    _labels.update(names)


def _labelled(_logger: object, _method: str, event: EventDict) -> EventDict:
    for name, value in _labels.items():
        event.setdefault(name, value)
    return event


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    _labelled,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]


_SECRETS = re.compile(
    r"(shipd_[0-9a-f]{12}_)[0-9a-f]{8,}|(eyJ)[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]*)?", re.ASCII
)
"""API keys and tokens, those that somebody cut too."""
_PASSWORD = re.compile(r"(://[^\s/@:\"]*:)[^\s/@\"]+(?=@)")
"""In a URL."""


def has_secrets(text: str) -> bool:
    """Say whether an API key or a token stands in a text."""
    return ("shipd_" in text or "eyJ" in text) and _SECRETS.search(text) is not None


def without_secrets(text: str) -> str:
    """Take the secret out of every API key and token in a text, and the password out of every URL."""
    if "://" in text and "@" in text:
        text = _PASSWORD.sub(r"\1[secret]", text)
    if not has_secrets(text):
        return text
    return _SECRETS.sub(lambda found: f"{found[1] or found[2]}[secret]", text)


def _json(event: object, **_: object) -> str:
    return without_secrets(_as_json(event))


def _as_json(event: object) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        # A whole number beyond 64 bits, a lone surrogate: no line may be lost.
        return json.dumps(event, default=str)


_insisted: set[str] = set()


def insist(name: str) -> None:
    """Have whoever logs by a name be told where that cannot be written: of all others the work goes on without."""
    _insisted.add(name)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; raises what went wrong to those who insist."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        if record.name not in _insisted:
            super().emit(record)
            return
        self.stream.write(self.format(record) + self.terminator)
        self.flush()


def configure(level: str) -> None:
    """Send all logs, those of libraries included, as JSON lines to stderr; `level` is debug, info, warning or error."""
    handler = _Handler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # A cached logger would keep what was configured before a test or a fork configured anew.
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Give the logger of a module: `logger(__name__)`."""
    found: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return found


@contextmanager
def bound(**ids: object) -> Iterator[None]:
    """Add fields to every line that is logged in the block."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield
