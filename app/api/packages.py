"""Problem packages of Kattis and the ICPC: in as a zip, and out as one."""

import hashlib
import shutil
import tempfile
from typing import BinaryIO, cast
from uuid import UUID

from flask import Response, jsonify, request, send_file
from flask.views import MethodView
from werkzeug.exceptions import UnsupportedMediaType

from app import etags
from app.auth import caller, owner_id, whose
from app.blueprint import Routes
from app.headers import ask_again
from app.schemas import links
from app.schemas.packages import PackageAnswer, PackageQuery, package_json
from app.schemas.query import NoQuery
from app.wiring import wired
from domain import package_store
from domain.roles import Scope

blueprint = Routes("packages", __name__, description="Problem packages of Kattis and the ICPC")

_ZIP = "application/zip"
_ZIPS = {_ZIP, "application/x-zip-compressed", "application/octet-stream"}
_BYTES = {"type": "string", "format": "binary"}
_BODY = {"required": True, "content": {_ZIP: {"schema": _BYTES}}}
_TAG = {"ETag": {"schema": {"type": "string"}, "description": "Of the version: another one has another."}}
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where the problem is."}}
_MIB = 1024 * 1024


@blueprint.at("/v1/problems/<slug:problem_id>/package")
class Package(MethodView):
    """A problem as a package."""

    @blueprint.says(requestBody=_BODY)
    @blueprint.takes(PackageQuery, location="query")
    @blueprint.gives(201, PackageAnswer, headers={**_LOCATION, **_TAG})
    @blueprint.refuses(400, 401, 409, 413, 415, 503)
    def put(self, query: dict[str, object], problem_id: str) -> Response:
        """Keep a package as a problem of the caller, or as the next version of one.

        `report` says what of it was left out, and why. A version with programs is `checking` until a worker has
        compiled them and checked every input; only then it can be submitted to.
        """
        package_store.refuse_id(problem_id)
        if request.mimetype not in _ZIPS:
            raise UnsupportedMediaType(f"the body must be a zip: send it with Content-Type: {_ZIP}")
        packages = wired().backend.packages
        timeout_ms = query.get("timeout_ms")
        with tempfile.TemporaryFile(dir=packages.scratch()) as file:
            _receive(file)
            stored = packages.store(
                problem_id,
                file,
                owner_id=owner_id(),
                anybodys=whose(Scope.PROBLEMS_WRITE) is None,
                ranges=wired().rules(caller()).ranges,
                timeout_ms=None if timeout_ms is None else int(str(timeout_ms)),
            )
        answer = jsonify(package_json(stored))
        answer.status_code = 201
        answer.headers["Location"] = str(links.problem(problem_id)["self"])
        answer.set_etag(_tag(stored.made.version_id), weak=True)
        return answer

    @blueprint.may_be_unchanged
    @blueprint.takes(NoQuery, location="query")
    @blueprint.gives(200, _BYTES, content_type=_ZIP)
    @blueprint.refuses(401, 404, 503)
    def get(self, _query: dict[str, object], problem_id: str) -> Response:
        """Read the newest version that is ready as a package of 2023-07: secret test data too, so its author alone."""
        packages = wired().backend.packages
        version_id, number = packages.newest(problem_id, whose(Scope.PROBLEMS_READ))
        tag = _tag(version_id)
        if etags.known(tag):
            return etags.unchanged(tag)
        packages.note_read(f"owner:{owner_id()}", problem_id, number)
        answer = send_file(
            packages.package(version_id),
            mimetype=_ZIP,
            as_attachment=True,
            download_name=f"{problem_id}-{number}.zip",
            conditional=False,
            etag=False,
        )
        answer.set_etag(tag, weak=True)
        return ask_again(answer)


def _receive(file: BinaryIO) -> None:
    """Take the body piece by piece. Raises RequestEntityTooLarge."""
    # Whatever else the caller may send: a package is bounded by a setting of its own.
    request.max_content_length = wired().settings.max_package_mb * _MIB
    shutil.copyfileobj(cast("BinaryIO", request.stream), file, _MIB)
    request.stream.read(1)
    file.seek(0)


def _tag(version_id: UUID) -> str:
    return hashlib.sha256(version_id.bytes).hexdigest()[:32]
