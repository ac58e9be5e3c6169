"""HTTP only: shapes in, shapes out.

No SQL, no rules of grading, no sandbox: this package imports `domain` and nothing else of ours (checked by
import-linter). `create_app` is the only place that wires; `schemas/` the only one that knows JSON keys.
"""

from copy import deepcopy

from flask import Flask
from sentry_sdk.integrations.flask import FlaskIntegration
from werkzeug.middleware.proxy_fix import ProxyFix

from app import access_log, auth, compat, correlation, cors, errors, headers, limits
from app.api import register_blueprints
from app.backend import Backend
from app.domain_backend import DomainBackend
from app.json import Provider
from app.live import serving
from app.openapi import CONFIG
from app.paths import FilePath, Slug
from app.wiring import EXTENSION, Wiring
from domain import logging, spans
from domain.languages import Languages
from domain.sentry import start_sentry
from domain.settings import Settings
from domain.static_checks import StaticChecks


def create_app(settings: Settings | None = None, backend: Backend | None = None) -> Flask:
    """Make the application. Raises ValueError naming the setting that is missing or wrong.

    `backend` stands in for the real domain in tests.
    """
    settings = settings or Settings.from_environment()
    logging.configure(settings.log_level)
    logging.label(host=settings.host_name)
    start_sentry(settings, FlaskIntegration())
    spans.check(settings)
    spans.start(settings, "api")
    app = errors.ShipdFlask("shipd", static_folder=None)
    # apispec writes into what it is given.
    app.config.from_mapping(deepcopy(CONFIG), MAX_CONTENT_LENGTH=settings.max_body_bytes)
    app.url_map.merge_slashes = False  # a path with `//` is another path, not a way to this one
    app.url_map.converters["file"] = FilePath
    app.url_map.converters["slug"] = Slug
    app.json = Provider(app)
    languages = Languages.load(settings.jail_configs / "languages")
    compat.read_names(settings.jail_configs / compat.NAMES_FILE)
    static_checks = StaticChecks.load(settings.jail_configs / "static")
    app.extensions[EXTENSION] = Wiring(settings, backend or DomainBackend(settings), languages, static_checks)
    if settings.proxies:
        proxied = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0)
        app.wsgi_app = proxied  # type: ignore[method-assign] # as Flask's own documentation has it
    access_log.log_requests(app)
    correlation.correlate(app)
    headers.secure(app)
    cors.allow(app)
    auth.require_key(app)
    limits.register(app)
    # What was taken over is answered here; whatever else is done before a request was done in the API process.
    app.before_request(serving.serve_taken)
    register_blueprints(errors.ShipdApi(app), app)
    errors.register(app)
    return app
