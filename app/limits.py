"""Limits of use on the way in: whose they are, what is admitted, and headers that say what is left.

Every answer to a request that was counted has the fields of the IETF's draft (`RateLimit-Policy`, `RateLimit`), of all
windows, and the older `RateLimit-Limit`, `-Remaining` and `-Reset`, of the one with the least left (decision 14).
"""

from collections.abc import Callable, Sequence

from flask import Flask, Response, g, request

from app.auth import caller, owner_id
from app.live.taken import taken
from app.wiring import wired
from domain.errors import LimitReached
from domain.fair import User
from domain.rates import RateReached, Window

_WINDOWS = "rate_windows"
"""Who sends for many, and may say for whom; anybody else is a person."""
LEFT = {
    name: {"schema": {"type": "string"}, "description": description}
    for name, description in {
        "RateLimit-Policy": "The windows of the rate of submissions, where there are any.",
        "RateLimit": "What is left in each, and in how many seconds there is more.",
        "RateLimit-Limit": "Of the window with the least left: its figure,",
        "RateLimit-Remaining": "what is left of it,",
        "RateLimit-Reset": "and in how many seconds there is more.",
    }.items()
}
"""The headers as OpenAPI tells of them."""


def register(app: Flask) -> None:
    """Have bodies bounded as the caller's key is, and headers set: behind `auth.require_key`."""
    app.before_request(_bound_body)
    app.after_request(_tell)


def user(user_id: str | None) -> User:
    """Say whose limits count: of a service each user whom it names; a person is one, whatever they write."""
    return User(owner_id(), "" if user_id is None or _is_person() else user_id)


def rate() -> str:
    """Give the caller's rate: of each of its users."""
    key, settings = caller(), wired().settings
    if key is not None and key.limits.rate is not None:
        return key.limits.rate
    return settings.person_rate if _is_person() else settings.service_rate


def admission(whose: User, count: int = 1) -> Callable[[], None]:
    """Give what admits so many new submissions of a user, or raises LimitReached; to be called when they are new."""
    asked = rate()

    def admit() -> None:
        try:
            windows = wired().backend.admit(whose, asked, count)
        except RateReached as reached:
            _note(reached.windows)
            raise
        _note(windows)

    return admit


def admit(whose: User, count: int, some: bool) -> tuple[int, LimitReached | None]:
    """Admit so many new submissions of a user, or `some` of them, the first; says how many, and why not all.

    Raises LimitReached where none are admitted.
    """
    try:
        admission(whose, count)()
    except RateReached as reached:
        room = min((window.remaining for window in reached.windows), default=0)
        if not some or not 0 < room < count:
            raise
        admission(whose, room)()
        return room, reached
    return count, None


def ceilings() -> dict[str, int]:
    """Give the most that the caller's submissions may ask for."""
    rules = wired().rules(caller())
    asked = {name: allowed.ceiling for name, allowed in rules.ranges.items()}
    return {**asked, "test_cases": rules.most_test_cases, "source_bytes": rules.max_source_bytes}


def status_of(reached: LimitReached) -> int:
    """503 for ours, 429 for the sender's own."""
    return 503 if reached.ours else 429


def _is_person() -> bool:
    key = caller()
    return key is None or key.role.is_person


def _note(windows: Sequence[Window]) -> None:
    setattr(g, _WINDOWS, windows)


def windows() -> Sequence[Window]:
    """Give how the windows stand of whoever was counted by this request; none where nobody was."""
    counted: Sequence[Window] = g.get(_WINDOWS, ())
    return counted


def _bound_body() -> None:
    found = taken()
    if found is not None:  # it was counted, and its body read, by the API process
        _note(found.windows)
    if caller() is not None and _is_person():
        most = request.max_content_length
        own = wired().settings.person_body_bytes
        request.max_content_length = own if most is None else min(most, own)


def _tell(response: Response) -> Response:
    counted = windows()
    if counted:
        tightest = min(counted, key=lambda window: window.remaining / window.limit)
        response.headers["RateLimit-Policy"] = ", ".join(f'"{w.seconds}s";q={w.limit};w={w.seconds}' for w in counted)
        response.headers["RateLimit"] = ", ".join(f'"{w.seconds}s";r={w.remaining};t={w.reset_s}' for w in counted)
        response.headers["RateLimit-Limit"] = str(tightest.limit)
        response.headers["RateLimit-Remaining"] = str(tightest.remaining)
        response.headers["RateLimit-Reset"] = str(tightest.reset_s)
    return response
