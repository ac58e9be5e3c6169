"""flask-smorest's Blueprint with our reading of requests and our documented errors.

flask-smorest has no types: the four decorators that the views need have them here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, TypeVar

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema

from app.body import Parser
from app.schemas import examples
from app.schemas.documents import ErrorAnswer
from app.schemas.examples import Example

View = TypeVar("View", bound=Callable[..., object])
Resource = TypeVar("Resource", bound=type[MethodView])


_IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The ETag of an answer that is at hand: where it is still so, 304 says that.",
}


def selectable(whole: str, some: str) -> Mapping[str, object]:
    """Document an answer, or what `fields` chose of it, by the names of the two."""
    return {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in (whole, some)]}


class Routes(Blueprint):  # type: ignore[misc] # as said above
    """The routes of one resource."""

    ARGUMENTS_PARSER: ClassVar[Parser] = Parser()

    def at(self, rule: str, *, any_slash: bool = False) -> Callable[[Resource], Resource]:
        """Serve a MethodView at a path; `any_slash`: at the same path with a slash at its end, too."""
        found: Callable[[Resource], Resource] = self.route(rule, strict_slashes=not any_slash)
        return found

    def takes(
        self, schema: type[Schema], location: str = "json", *, example: Example | None = None
    ) -> Callable[[View], View]:
        """Read body or query string by a schema, and hand it to the view as one more argument."""
        found: Callable[[View], View] = self.arguments(schema, location=location, example=example)
        return found

    def gives(
        self,
        status: int,
        schema: type[Schema] | Mapping[str, object],
        *,
        content_type: str | None = None,
        headers: Mapping[str, object] | None = None,
        example: Example | None = None,
    ) -> Callable[[View], View]:
        """Document the answer; the view makes it."""
        found: Callable[[View], View] = self.response(
            status, schema, content_type=content_type, headers=headers, example=example
        )
        return found

    def gives_nothing(self) -> Callable[[View], View]:
        """Document an answer without a body."""
        found: Callable[[View], View] = self.response(204)
        return found

    def may_give(self, status: int, schema: type[Schema], description: str) -> Callable[[View], View]:
        """Document another good answer."""
        found: Callable[[View], View] = self.alt_response(status, schema=schema, description=description)
        return found

    def may_be_unchanged(self, view: View) -> View:
        """Document that who has the answer already may be told so; the view does it, by `app.etags`."""
        headers = {"ETag": {"schema": {"type": "string"}, "description": "Changes when what is said changes."}}
        documented: View = self.alt_response(304, description="As in If-None-Match.", headers=headers)(view)
        return self.says(parameters=[_IF_NONE_MATCH])(documented)

    def refuses(self, *statuses: int, schema: type[Schema] = ErrorAnswer) -> Callable[[View], View]:
        """Document the errors that it may answer; what asks who somebody is (401) also asks what they may (403)."""

        def document(view: View) -> View:
            for status in (*statuses, *((403,) if 401 in statuses and 403 not in statuses else ())):
                example = {"example": examples.error(status)} if schema is ErrorAnswer else {}
                view = self.alt_response(status, schema=schema, **example)(view)
            return view

        return document

    def says(self, *, parameters: Sequence[Mapping[str, object]] = (), **operation: object) -> Callable[[View], View]:
        """Document more of the operation, in OpenAPI's own words; `parameters` beside those that it takes."""

        def document(view: View) -> View:
            made: View = self.doc(**operation)(view)
            # What `doc` is told of parameters would stand in the place of all that `takes` has found.
            own = made._apidoc.setdefault("arguments", {})  # type: ignore[attr-defined] # noqa: SLF001 - flask-smorest's
            own.setdefault("parameters", []).extend(map(dict, parameters))
            return made

        return document
