"""flask-smorest's Blueprint with our reading of requests and our documented errors.

flask-smorest has no types: the four decorators that the views need have them here.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema

from app.body import Parser
from app.schemas.documents import ErrorAnswer

View = TypeVar("View", bound=Callable[..., object])
Resource = TypeVar("Resource", bound=type[MethodView])


class Routes(Blueprint):  # type: ignore[misc] # as said above
    """The routes of one resource."""

    ARGUMENTS_PARSER: ClassVar[Parser] = Parser()

    def at(self, rule: str) -> Callable[[Resource], Resource]:
        """Serve a MethodView at a path."""
        found: Callable[[Resource], Resource] = self.route(rule)
        return found

    def takes(self, schema: type[Schema], location: str = "json") -> Callable[[View], View]:
        """Read body or query string by a schema, and hand it to the view as one more argument."""
        found: Callable[[View], View] = self.arguments(schema, location=location)
        return found

    def gives(
        self,
        status: int,
        schema: type[Schema] | Mapping[str, object],
        *,
        content_type: str | None = None,
        headers: Mapping[str, object] | None = None,
    ) -> Callable[[View], View]:
        """Document the answer; the view makes it."""
        found: Callable[[View], View] = self.response(status, schema, content_type=content_type, headers=headers)
        return found

    def gives_nothing(self) -> Callable[[View], View]:
        """Document an answer without a body."""
        found: Callable[[View], View] = self.response(204)
        return found

    def may_give(self, status: int, schema: type[Schema], description: str) -> Callable[[View], View]:
        """Document another good answer."""
        found: Callable[[View], View] = self.alt_response(status, schema=schema, description=description)
        return found

    def refuses(self, *statuses: int) -> Callable[[View], View]:
        """Document the errors that it may answer."""

        def document(view: View) -> View:
            for status in statuses:
                view = self.alt_response(status, schema=ErrorAnswer)(view)
            return view

        return document

    def says(self, **operation: object) -> Callable[[View], View]:
        """Document more of the operation, in OpenAPI's own words."""
        found: Callable[[View], View] = self.doc(**operation)
        return found
