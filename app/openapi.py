"""The OpenAPI document, and Swagger UI served from a wheel: no page of ours fetches anything from elsewhere."""

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, send_from_directory
from flask_smorest import Api
from marshmallow import Schema

from app.auth import public
from app.schemas.cases import ExpectedPart, InputPart
from app.schemas.documents import PageAnswer
from app.schemas.files import CodeSource, FilesSource
from app.schemas.judge0_documents import Judge0Language, Judge0Status
from app.schemas.language import Language
from app.schemas.piston import PistonPackage, PistonRuntime
from app.schemas.selecting import Fields
from app.wiring import wired
from domain import __version__

SECURITY: list[dict[str, list[str]]] = [{"bearer": []}]
DESCRIPTION = """Runs code nobody trusts, quickly, and says exactly what happened.

Every answer bears `X-Request-ID` (as sent, or made) and `traceparent`. Every error has one shape, with the field's
path, what is wrong, and what to do."""
_BEARER = (
    "An API key, or a token of an identity provider that this deployment trusts. GET /v1/me says who that makes you."
)
CONFIG: dict[str, object] = {
    "API_TITLE": "Shipd",
    "API_VERSION": __version__,
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "OPENAPI_SWAGGER_UI_PATH": "docs",
    "OPENAPI_SWAGGER_UI_URL": "/docs/assets/",
    # Without this the page asks a server on the internet to judge our document.
    "OPENAPI_SWAGGER_UI_CONFIG": {"validatorUrl": None, "persistAuthorization": True},
    "API_SPEC_OPTIONS": {
        "info": {"description": DESCRIPTION},
        "security": SECURITY,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": _BEARER},
                "judge0": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
                "piston": {"type": "apiKey", "in": "header", "name": "Authorization"},
            }
        },
    },
}
NAMED_SCHEMAS = {
    "Input": InputPart,
    "Expected": ExpectedPart,
    "CodeSource": CodeSource,
    "FilesSource": FilesSource,
    "PageAnswer": PageAnswer,
}
"""What is referred to by name."""
LISTED_SCHEMAS: dict[str, type[Schema]] = {
    one.__name__: one for one in (Judge0Language, Judge0Status, PistonPackage, PistonRuntime)
}
"""What answers list, where the document does not have it already."""
_ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js")


def prepare(api: Api) -> None:
    """Teach the document what our kinds of parameter are; before any route is added."""
    names = _languages()

    def more(_converter: object, field: object, ret: Mapping[str, Mapping[str, object]]) -> Mapping[str, object]:
        if isinstance(field, Language):
            return {"schema": {**ret["schema"], "enum": names}}
        return {"style": "form", "explode": False} if isinstance(field, Fields) else {}

    api.ma_plugin.converter.add_parameter_attribute_function(more)


def serve(api: Api, app: Flask) -> None:
    """Complete the document, and serve it with its page."""
    for name, schema in NAMED_SCHEMAS.items():
        api.spec.components.schema(name, schema=schema)
    for name, listed in LISTED_SCHEMAS.items():
        if name not in api.spec.components.schemas:
            api.spec.components.schema(name, schema=listed)
    _tell_what_is_offered(api)
    _tell_of_selections(api.spec.components.schemas)
    for endpoint in ("api-docs.openapi_json", "api-docs.openapi_swagger_ui"):
        # They are bound methods, which bear no marks; a partial does.
        app.view_functions[endpoint] = public(partial(app.view_functions[endpoint]))
    assets = Blueprint("docs_assets", __name__)
    assets.add_url_rule("/docs/assets/<name>", "asset", _asset)
    app.register_blueprint(assets)


def _tell_what_is_offered(api: Api) -> None:
    """Put this deployment's languages and limits into the document."""
    offered = wired()
    api.spec.components.schemas["SubmissionRequest"]["properties"]["language"]["enum"] = _languages()
    for part in ("ConstraintsPart", "LimitsPart"):
        limits = api.spec.components.schemas[part]["properties"]
        for name, allowed in offered.settings.ranges.items():
            default = {} if allowed.default is None else {"default": allowed.default}
            limits[name].update({"minimum": allowed.floor, "maximum": allowed.ceiling, **default})


def _tell_of_selections(schemas: dict[str, Any]) -> None:
    """Say what answers look like of which `fields` chose some: nothing in them is sure to be there."""
    schemas["SubmissionSelection"] = _loosened(schemas["SubmissionAnswer"], schemas)
    page = schemas["PageAnswer"]
    submissions = {**page["properties"]["submissions"], "items": _loosened(schemas["SubmissionSummary"], schemas)}
    schemas["PageSelection"] = {**page, "properties": {**page["properties"], "submissions": submissions}}


def _loosened(node: object, schemas: Mapping[str, object]) -> object:
    if isinstance(node, list):
        return [_loosened(member, schemas) for member in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _loosened(schemas[str(node["$ref"]).rpartition("/")[2]], schemas)
    required = isinstance(node.get("required"), list)
    return {name: _loosened(value, schemas) for name, value in node.items() if not (required and name == "required")}


def _languages() -> list[str]:
    """List what a language may be called here, with and without its versions."""
    known = sorted(wired().languages.known.values(), key=lambda language: language.name)
    return [name for one in known for name in (one.name, *(f"{one.name}@{version}" for version in one.versions))]


@public
def _asset(name: str) -> Response:
    return send_from_directory(_asset_folder(), name if name in _ASSETS else "missing", max_age=86_400)


def _asset_folder() -> Path:
    # Found without importing it: the package itself brings web frameworks that are not ours.
    found = find_spec("swagger_ui")
    if found is None or found.origin is None:
        raise RuntimeError("swagger-ui-py is not installed; install the platform with its dependencies")
    return Path(found.origin).parent / "static"
