"""Health: `/livez` asks whether this process answers, `/readyz` (and `/health`) whether requests can be served."""

from flask import Response, jsonify
from flask.views import MethodView

from app.auth import PUBLIC
from app.blueprint import Routes
from app.errors import RETRY_AFTER_S
from app.schemas.documents import HealthAnswer
from app.schemas.listing import health_json
from app.wiring import wired

blueprint = Routes("health", __name__, description="Is it there, and can it work")


@blueprint.at("/livez")
class Live(MethodView):
    """Nothing else is asked."""

    decorators = PUBLIC

    @blueprint.says(security=[])
    @blueprint.gives(200, HealthAnswer)
    def get(self) -> Response:
        """Say that this process answers."""
        return jsonify(health_json([]))


@blueprint.at("/readyz")
class Ready(MethodView):
    """PostgreSQL, Redis, a worker. Without Redis or the broker it is `degraded`, and requests are served."""

    decorators = PUBLIC

    @blueprint.says(security=[])
    @blueprint.gives(200, HealthAnswer)
    @blueprint.may_give(503, HealthAnswer, "A part is missing without which nothing can be served.")
    def get(self) -> Response:
        """Ask every part that is needed to serve a submission."""
        return _ready()


@blueprint.at("/health")
class Health(MethodView):
    """An alias of `/readyz`."""

    decorators = PUBLIC

    @blueprint.says(security=[])
    @blueprint.gives(200, HealthAnswer)
    @blueprint.may_give(503, HealthAnswer, "A part is missing without which nothing can be served.")
    def get(self) -> Response:
        """Ask every part that is needed to serve a submission."""
        return _ready()


def _ready() -> Response:
    checks = wired().backend.checks()
    answer = jsonify(health_json(checks))
    if any(check.needed and not check.ok for check in checks):
        answer.status_code = 503
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer
