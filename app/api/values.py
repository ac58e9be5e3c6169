"""Whole values, as bytes: what answers show only the beginning of, and collected files. Never of a hidden test case."""

import unicodedata
import uuid
from pathlib import PurePosixPath

from flask import Response, send_file
from flask.views import MethodView

from app.auth import owner
from app.blueprint import Routes
from app.headers import ask_again
from app.schemas.query import NoQuery
from app.wiring import wired
from domain import values
from domain.values import Whole

blueprint = Routes("values", __name__, description="Outputs and artifacts, whole")

_BYTES = {"type": "string", "format": "binary"}
_OCTETS = "application/octet-stream"


@blueprint.at("/v1/submissions/<uuid:submission_id>/results/<int:ordinal>/<any(stdout, stderr):stream>")
class Stream(MethodView):
    """What a program wrote."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, _BYTES, content_type=_OCTETS)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], submission_id: uuid.UUID, ordinal: int, stream: str) -> Response:
        """Read a test case's whole stdout or stderr."""
        return attached(wired().backend.stream(submission_id, owner(), ordinal, values.Stream(stream)), stream)


@blueprint.at("/v1/submissions/<uuid:submission_id>/compile_output")
class CompileOutput(MethodView):
    """What a compiler wrote."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, _BYTES, content_type=_OCTETS)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], submission_id: uuid.UUID) -> Response:
        """Read the whole output of the compiler."""
        return attached(wired().backend.compile_output(submission_id, owner()), "compile_output")


@blueprint.at("/v1/submissions/<uuid:submission_id>/artifacts/<int:ordinal>/<file:path>")
class Artifact(MethodView):
    """A collected file."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, _BYTES, content_type=_OCTETS)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], submission_id: uuid.UUID, ordinal: int, path: str) -> Response:
        """Read a file that `outputs` asked for."""
        whole = wired().backend.artifact(submission_id, owner(), ordinal, path)
        return attached(whole, PurePosixPath(path).name)


def attached(whole: Whole, name: str) -> Response:
    """Send bytes that nobody trusts, piece by piece: to be saved under a harmless name, never to be rendered."""
    answer = send_file(
        whole.file,
        mimetype=_OCTETS,
        as_attachment=True,
        download_name="".join("_" if unicodedata.category(char)[0] == "C" else char for char in name),
        conditional=False,
        etag=False,
    )
    answer.content_length = whole.size_bytes
    return ask_again(answer)
