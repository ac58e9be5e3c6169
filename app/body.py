"""JSON bodies and query strings, read strictly, as flask-smorest's arguments.

Everything wrong with a request is found in one pass and raised as one InvalidRequest. What is no JSON object at all
is refused before: 415 for another content type, 400 for what cannot be parsed, 413 (by Werkzeug) for too much.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, reduce
from itertools import islice

from flask import Request, request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from app.auth import caller
from app.schemas.complaints import join, problems
from app.schemas.parts import CurrentRules, Envelope
from app.wiring import wired
from domain.errors import InvalidRequest, Problem

MAX_DEPTH = 32
"""No request has a reason to be nested deeper; metadata may be 8."""
MAX_CONTAINERS = 200_000
"""Lists and objects in all: a thousand test cases with a hundred files each have fewer."""
MAX_MEMBERS = 10_000
"""Fields of one object."""
MAX_PROBLEMS = 1000
"""As many are looked for before the fields are read."""
MAX_DIGITS = 40
LARGEST = 10**MAX_DIGITS
"""Numbers beyond are treated as infinite: nothing here counts that far."""

_NOT_FINITE = (
    "NaN, Infinity and numbers too large to hold are refused",
    f"use a finite number below 1e{MAX_DIGITS}, or a string",
)
_TOO_DEEP = Problem("", f"the body is nested more than {MAX_DEPTH} levels deep", "flatten it")


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
        schema = made(argmap) if isinstance(argmap, type) else argmap
        data: object = read_json(asked) if location == "json" else _query(asked)
        with CurrentRules(wired().rules(caller())):
            return load(schema, data)


def _query(asked: Request) -> dict[str, str]:
    """Read the query string. Raises InvalidRequest for a name that stands there twice."""
    twice = [name for name, values in asked.args.lists() if len(values) > 1]
    if twice:
        problems_ = (Problem(join("", name), "stands there more than once", "give it once") for name in twice)
        raise InvalidRequest(*islice(problems_, MAX_PROBLEMS))
    return asked.args.to_dict()


@cache
def made(schema: type[Schema]) -> Schema:
    """Give the one instance of a schema: it keeps nothing of what it loads, and to make it costs as much as loading."""
    return schema()


def load(schema: Schema, data: object) -> object:
    """Load data by a schema, having looked for what no field may hold. Raises InvalidRequest with every problem."""
    deeper = schema.levels if isinstance(schema, Envelope) else 0
    # Numbers in an envelope are looked at where the requests in it are read.
    found = list(islice(unfit(data, numbers=not deeper, deeper=deeper), MAX_PROBLEMS))
    if any(problem.field == "" for problem in found):
        raise InvalidRequest(*found)
    loaded: object = None
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


def load_apart(schema: type[Schema], members: Iterable[object]) -> list[object]:
    """Load each member of an Envelope by itself: what it means, or the InvalidRequest that refuses it."""
    with CurrentRules(wired().rules(caller())):
        return [_loaded_or_refused(made(schema), member) for member in members]


def _loaded_or_refused(schema: Schema, data: object) -> object:
    try:
        return load(schema, data)
    except InvalidRequest as error:
        return error


def read_json(asked: Request) -> object:
    """Read the body as JSON. Raises UnsupportedMediaType, BadRequest; RequestEntityTooLarge for too much."""
    if not asked.is_json:
        raise UnsupportedMediaType("the body must be JSON: send it with Content-Type: application/json")
    try:
        return _parse(_data(asked).decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body is not UTF-8 (byte {error.start}); encode it as UTF-8") from None
    except RecursionError:
        raise InvalidRequest(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None


def _data(asked: Request) -> bytes:
    data = asked.get_data(cache=False)
    if asked.content_length is None:
        # Of a chunked body Werkzeug reads up to the limit, and says that there is more only when asked for it.
        asked.stream.read(1)
    return data


def _parse(text: str) -> object:
    try:
        parsed: object = json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # A number of more digits than Python reads: once more, slower, so that its place can be named.
        parsed = json.loads(text, parse_int=lambda digits: int(digits) if len(digits) <= MAX_DIGITS else math.inf)
    return parsed


@dataclass(frozen=True, slots=True)
class _Place:
    """A list or object within the body; its path is put together only when there is something to say of it."""

    value: dict[str, object] | list[object]
    depth: int
    key: str | int
    parent: "_Place | None"

    def path(self, key: str | int | None = None) -> str:
        keys = [] if key is None else [key]
        place = self
        while place.parent is not None:
            keys.append(place.key)
            place = place.parent
        return reduce(join, reversed(keys), "")


def unfit(data: object, *, numbers: bool = True, deeper: int = 0) -> Iterator[Problem]:
    """Find what is too deep or too much to be looked at further, and, of the `numbers`, NaN and infinities.

    This comes first and so must stay cheap whatever was sent: no recursion, no text made for what is right.
    """
    if numbers and isinstance(data, int | float) and not -LARGEST < data < LARGEST:
        yield Problem("", *_NOT_FINITE)
    waiting = [_Place(data, 1, "", None)] if isinstance(data, dict | list) else []
    seen = 0
    while waiting:
        place = waiting.pop()
        seen += 1
        if place.depth > MAX_DEPTH + deeper:
            yield _TOO_DEEP
            return
        if seen + len(waiting) > MAX_CONTAINERS or (isinstance(place.value, dict) and len(place.value) > MAX_MEMBERS):
            yield Problem("", "the body has too many parts", f"at most {MAX_CONTAINERS} lists and objects are read")
            return
        for key, member in place.value.items() if isinstance(place.value, dict) else enumerate(place.value):
            if isinstance(member, dict | list) and len(waiting) <= MAX_CONTAINERS:
                waiting.append(_Place(member, place.depth + 1, key, place))
            elif numbers and isinstance(member, int | float) and not -LARGEST < member < LARGEST:
                yield Problem(place.path(key), *_NOT_FINITE)
