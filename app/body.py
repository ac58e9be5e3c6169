"""JSON bodies and query strings, read strictly, as flask-smorest's arguments.

Everything wrong with a request is found in one pass and raised as one InvalidRequest. What is no JSON object at all
is refused before: 415 for another content type, 400 for what cannot be parsed, 413 (by Werkzeug) for too much.
"""

import json
import math
from collections.abc import Iterator

from flask import Request, request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from app.auth import caller
from app.schemas.complaints import join, problems
from app.schemas.parts import CurrentRules
from app.wiring import wired
from domain.errors import InvalidRequest, Problem

MAX_DEPTH = 32
"""No request has a reason to be nested deeper; metadata may be 8."""
MAX_DIGITS = 40
"""Longer numbers are treated as infinite: nothing here counts that far, and reading them takes time."""


class Parser(FlaskParser):
    """Reads what `Blueprint.arguments` asks for."""

    def parse(  # type: ignore[override]
        self,
        argmap: Schema | type[Schema],
        req: Request | None = None,
        *,
        location: str | None = None,
        **_: object,
    ) -> object:
        """Read body or query string by a schema. Raises InvalidRequest, and HTTP exceptions for what is no JSON."""
        asked = req or request
        schema = argmap() if isinstance(argmap, type) else argmap
        data: object = read_json(asked) if location == "json" else asked.args.to_dict()
        with CurrentRules(wired().rules(caller())):
            return load(schema, data)


def load(schema: Schema, data: object) -> object:
    """Load data by a schema, having looked for what no field may hold. Raises InvalidRequest with every problem."""
    found = list(unfit(data))
    loaded: object = None
    if any(problem.field == "" for problem in found):
        raise InvalidRequest(*found)
    try:
        loaded = schema.load(data)  # type: ignore[arg-type]
    except ValidationError as error:
        found.extend(problems(error.messages))
    if found:
        by_field: dict[str, Problem] = {}
        for problem in found:
            by_field.setdefault(problem.field, problem)
        raise InvalidRequest(*by_field.values())
    return loaded


def read_json(asked: Request) -> object:
    """Read the body as JSON. Raises UnsupportedMediaType, BadRequest; RequestEntityTooLarge for too much."""
    if not asked.is_json:
        raise UnsupportedMediaType("the body must be JSON: send it with Content-Type: application/json")
    try:
        return json.loads(asked.get_data(cache=False).decode("utf-8"), parse_int=_integer)
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8 (byte {error.start}); encode it as UTF-8") from None
    except RecursionError:
        raise InvalidRequest(_too_deep("")) from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf


def unfit(data: object) -> Iterator[Problem]:
    """Find NaN, infinities and what is nested too deep, without recursion: the depth is the sender's."""
    waiting: list[tuple[object, str, int]] = [(data, "", 0)]
    while waiting:
        value, path, depth = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            hint = "use a finite number of at most 40 digits, or a string"
            yield Problem(path, "NaN, Infinity and numbers too large to hold are refused", hint)
        elif isinstance(value, dict | list):
            if depth >= MAX_DEPTH:
                yield _too_deep(path)
                return
            members = value.items() if isinstance(value, dict) else enumerate(value)
            waiting.extend((member, join(path, key), depth + 1) for key, member in members if _may_be_unfit(member))


def _may_be_unfit(value: object) -> bool:
    return isinstance(value, dict | list | float)


def _too_deep(path: str) -> Problem:
    place = path.partition(".")[0].partition("[")[0]
    message = f"the body is nested more than {MAX_DEPTH} levels deep"
    return Problem("", f"{message} (in {place})" if place else message, "flatten it")
