"""What a worker recorded, as an answer is to show it."""

from dataclasses import fields

from domain.limits import MAX_SHOWN_BYTES
from domain.model import TestResult
from domain.views import ResultView, Shown

_BOTH = {field.name for field in fields(TestResult)} & {field.name for field in fields(ResultView)}
_SAME = _BOTH - {"stdout", "stderr", "interaction"}


def shown(value: bytes, limit: int = MAX_SHOWN_BYTES) -> Shown:
    return Shown(value[:limit], len(value), is_text=is_utf8(value))


def shown_result(result: TestResult, *, is_hidden: bool = False, limit: int = MAX_SHOWN_BYTES) -> ResultView:
    nothing = is_hidden or result.verdict is None
    return ResultView(
        **{name: getattr(result, name) for name in _SAME},
        stdout=None if nothing else shown(result.stdout, limit),
        stderr=None if nothing else shown(result.stderr, limit),
        interaction=None if nothing or result.interaction is None else shown(result.interaction, limit),
    )


def is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
