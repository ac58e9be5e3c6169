"""Hosts: what runs the submissions, and how it is; for operators and what they watch it with."""

from flask import Response, jsonify
from flask.views import MethodView

from app.blueprint import Routes
from app.schemas.hosts import HostsAnswer, hosts_json
from app.schemas.query import NoQuery
from app.wiring import wired

blueprint = Routes("hosts", __name__, description="What it runs on, for operators")


@blueprint.at("/v1/hosts")
class AllHosts(MethodView):
    """All hosts that ever had a worker."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, HostsAnswer)
    @blueprint.refuses(401, 503)
    def get(self, _query: dict[str, object]) -> Response:
        """List hosts with what each has, how it was at its last heartbeat, and whether it takes anything new."""
        return jsonify(hosts_json(wired().backend.hosts()))
