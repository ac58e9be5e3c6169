"""Whole values, as bytes: what answers show only the beginning of, and collected files. Never of a hidden test case."""

import io
import unicodedata
import uuid
from pathlib import PurePosixPath
from typing import BinaryIO

from flask import Response, send_file
from flask.views import MethodView

from app.auth import owner
from app.blueprint import Routes
from app.schemas.query import NoQuery
from app.wiring import wired
from domain.errors import NotFound
from domain.model import SubmissionView, TestResult

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
        result = shown_result(wired().backend.get(submission_id, owner()), ordinal)
        return _attachment(io.BytesIO(result.stdout if stream == "stdout" else result.stderr), stream)


@blueprint.at("/v1/submissions/<uuid:submission_id>/compile_output")
class CompileOutput(MethodView):
    """What a compiler wrote."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, _BYTES, content_type=_OCTETS)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], submission_id: uuid.UUID) -> Response:
        """Read the whole output of the compiler."""
        output = wired().backend.get(submission_id, owner()).execution.compile_output
        if output is None:
            raise NotFound("nothing was compiled: there is no compile output")
        return _attachment(io.BytesIO(output), "compile_output")


@blueprint.at("/v1/submissions/<uuid:submission_id>/artifacts/<int:ordinal>/<file:path>")
class Artifact(MethodView):
    """A collected file."""

    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, _BYTES, content_type=_OCTETS)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], submission_id: uuid.UUID, ordinal: int, path: str) -> Response:
        """Read a file that `outputs` asked for."""
        backend = wired().backend
        for artifact in shown_result(backend.get(submission_id, owner()), ordinal).artifacts:
            if artifact.path == path:
                return _attachment(backend.open_blob(artifact.sha256), PurePosixPath(path).name)
        raise NotFound(f"test case {ordinal} has no artifact of this path; its result lists them")


def shown_result(view: SubmissionView, ordinal: int) -> TestResult:
    """Find a result that may be shown. Raises NotFound, for a hidden one in the same words as for none."""
    for result in view.execution.results:
        if result.ordinal == ordinal and not view.submission.test_cases[ordinal].is_hidden:
            return result
    raise NotFound(f"there is no result {ordinal} to be read; results count from 0, and hidden ones are never shown")


def _attachment(file: BinaryIO, name: str) -> Response:
    """Send bytes that nobody trusts: to be saved under a harmless name, never to be rendered."""
    answer = send_file(
        file,
        mimetype=_OCTETS,
        as_attachment=True,
        download_name="".join("_" if unicodedata.category(char)[0] == "C" else char for char in name),
        conditional=False,
        etag=False,
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
