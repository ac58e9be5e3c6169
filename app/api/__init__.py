"""The routes, one module a resource: read, call the backend, render."""

from flask import Flask
from flask_smorest import Api

from app import openapi
from app.api import (
    batches,
    compat_judge0,
    compat_piston,
    deliveries,
    health,
    index,
    keys,
    languages,
    me,
    submissions,
    usage,
    values,
    webhooks,
)


def register_blueprints(api: Api, app: Flask) -> None:
    """Put all routes into the application."""
    with app.app_context():
        openapi.prepare(api)
    own = (submissions, batches, values, webhooks, deliveries, usage, languages, keys, me, health, index)
    for module in (*own, compat_judge0, compat_piston):
        api.register_blueprint(module.blueprint)
    with app.app_context():
        openapi.serve(api, app)
