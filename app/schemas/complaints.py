"""What marshmallow found wrong, as problems with the path of the field, what is wrong and what to do."""

from collections.abc import Iterator, Mapping
from typing import Self

from marshmallow.exceptions import SCHEMA

from domain.errors import InvalidRequest, Problem

_MAX_SHOWN_CHARS = 60


class Complaint(str):
    """A message that also says what to do: marshmallow carries messages as strings."""

    __slots__ = ("hint",)
    hint: str

    def __new__(cls, message: str, hint: str = "") -> Self:
        made = super().__new__(cls, message)
        made.hint = hint
        return made


def shown(value: object) -> str:
    """Quote a value of the sender's within a message: short, and with nothing in it that cannot be sent back."""
    text = repr(value)
    if len(text) > _MAX_SHOWN_CHARS:
        text = text[: _MAX_SHOWN_CHARS - 3] + "..."
    return text


def as_messages(error: InvalidRequest) -> dict[str, object]:
    """Turn what the domain refused into marshmallow's form, by field name."""
    messages: dict[str, object] = {}
    for problem in error.problems:
        messages[problem.field] = [Complaint(problem.message, problem.hint)]
    return messages


def problems(messages: object, path: str = "") -> Iterator[Problem]:
    """List marshmallow's nested messages as problems; list positions become `[3]`, names become `.name`."""
    if isinstance(messages, str):
        yield Problem(path, str(messages), getattr(messages, "hint", ""))
    elif isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from problems(inner, path if key == SCHEMA else join(path, key))
    elif isinstance(messages, list):
        for inner in messages:
            yield from problems(inner, path)


def join(path: str, key: object) -> str:
    """Give the path of a member."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    name = _sendable(str(key))
    return f"{path}.{name}" if path else name


def _sendable(name: str) -> str:
    """Cut a sender's own key, and take out what is not text, so that it can stand in an answer."""
    clean = name[:_MAX_SHOWN_CHARS].encode("utf-8", "replace").decode()
    return clean if len(name) <= _MAX_SHOWN_CHARS else clean + "..."
