"""The OpenAPI document, and Swagger UI served from a wheel: no page of ours fetches anything from elsewhere."""

from functools import partial
from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Flask, Response, send_from_directory
from flask_smorest import Api

from app.auth import public
from app.schemas.cases import ExpectedPart, InputPart
from app.schemas.files import CodeSource, FilesSource
from app.wiring import wired
from domain import __version__

SECURITY: list[dict[str, list[str]]] = [{"bearer": []}]
_BEARER = (
    "An API key, or a token of an identity provider that this deployment trusts. GET /v1/me says who that makes you."
)
CONFIG: dict[str, object] = {
    "API_TITLE": "Shipd",
    "API_VERSION": __version__,
    "OPENAPI_VERSION": "3.0.3",
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "OPENAPI_SWAGGER_UI_PATH": "docs",
    "OPENAPI_SWAGGER_UI_URL": "/docs/assets/",
    # Without this the page asks a server on the internet to judge our document.
    "OPENAPI_SWAGGER_UI_CONFIG": {"validatorUrl": None, "persistAuthorization": True},
    "API_SPEC_OPTIONS": {
        "info": {"description": "Runs code nobody trusts, quickly, and says exactly what happened."},
        "security": SECURITY,
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": _BEARER}}},
    },
}
NAMED_SCHEMAS = {"Input": InputPart, "Expected": ExpectedPart, "CodeSource": CodeSource, "FilesSource": FilesSource}
"""What request schemas refer to by name."""
_ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js")
_CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)


def serve(api: Api, app: Flask) -> None:
    """Complete the document, and serve it with its page."""
    for name, schema in NAMED_SCHEMAS.items():
        api.spec.components.schema(name, schema=schema)
    _tell_what_is_offered(api)
    for endpoint in ("api-docs.openapi_json", "api-docs.openapi_swagger_ui"):
        # They are bound methods, which bear no marks; a partial does.
        app.view_functions[endpoint] = public(partial(app.view_functions[endpoint]))
    assets = Blueprint("docs_assets", __name__)
    assets.add_url_rule("/docs/assets/<name>", "asset", _asset)
    app.register_blueprint(assets)
    app.after_request(_guard_page)


def _tell_what_is_offered(api: Api) -> None:
    """Put this deployment's languages and limits into the document."""
    offered = wired()
    known = sorted(offered.languages.known.values(), key=lambda language: language.name)
    names = [name for one in known for name in (one.name, *(f"{one.name}@{version}" for version in one.versions))]
    api.spec.components.schemas["SubmissionRequest"]["properties"]["language"]["enum"] = names
    limits = api.spec.components.schemas["ConstraintsPart"]["properties"]
    for name, allowed in offered.settings.ranges.items():
        default = {} if allowed.default is None else {"default": allowed.default}
        limits[name].update({"minimum": allowed.floor, "maximum": allowed.ceiling, **default})


@public
def _asset(name: str) -> Response:
    return send_from_directory(_asset_folder(), name if name in _ASSETS else "missing", max_age=86_400)


def _asset_folder() -> Path:
    # Found without importing it: the package itself brings web frameworks that are not ours.
    found = find_spec("swagger_ui")
    if found is None or found.origin is None:
        raise RuntimeError("swagger-ui-py is not installed; install the platform with its dependencies")
    return Path(found.origin).parent / "static"


def _guard_page(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", _CONTENT_POLICY)
    return response
