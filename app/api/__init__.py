"""The routes, one module a resource: read, call the backend, render."""

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import Rule

from app import openapi
from app.api import (
    batches,
    compat_judge0,
    compat_piston,
    deliveries,
    events,
    health,
    hosts,
    index,
    judge_messages,
    keys,
    languages,
    me,
    packages,
    problems,
    regrades,
    submissions,
    usage,
    values,
    webhooks,
)


def register_blueprints(api: Api, app: Flask) -> None:
    """Put all routes into the application."""
    with app.app_context():
        openapi.prepare(api)
    own = (submissions, judge_messages, events, batches, problems, packages, values, regrades, webhooks, deliveries)
    others = (usage, languages, hosts, keys, me, health, index)
    for module in (*own, *others, compat_judge0, compat_piston):
        api.register_blueprint(module.blueprint)
    # Werkzeug keeps requests that would become a WebSocket apart, and finds rules of their own for them.
    app.url_map.add(Rule(events.RULE, endpoint=f"{events.blueprint.name}.{events.Events.__name__}", websocket=True))
    with app.app_context():
        openapi.serve(api, app)
