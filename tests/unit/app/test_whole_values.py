"""GET of whole outputs, compile output and artifacts."""

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from domain.model import Artifact, File, Submission, SubmissionView, TestCase, TestResult
from domain.verdict import Verdict

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

HTML = b"<script>alert(1)</script>"
CASES = (TestCase(0, "1"), TestCase(1, "2", is_hidden=True))
ASKED = Submission("c", (File("main.c", b""),), None, CASES)


@pytest.fixture
def http(api: "Api") -> FlaskClient:
    return api.http


@pytest.fixture
def view(backend: "MemoryBackend") -> SubmissionView:
    files = {"out/a b.png": HTML, "ünï.txt": b"u", "line\nbreak": b"n", "lost": None}
    artifacts = []
    for number, (path, data) in enumerate(files.items()):
        sha256 = f"{number:064x}"
        artifacts.append(Artifact(path, len(data or b""), sha256))
        if data is not None:
            backend.blobs[sha256] = data
    result = TestResult(0, Verdict.WA, "stdout", stdout=HTML, stderr=b"\xff", artifacts=tuple(artifacts))
    kept = backend.keep(ASKED)
    execution = replace(
        kept.execution, results=(result, replace(result, ordinal=1, stdout=b"secret")), compile_output=b"warning"
    )
    backend.views[kept.id] = replace(kept, execution=execution)
    return backend.views[kept.id]


def get(http: FlaskClient, view: SubmissionView, rest: str, key: str = "service") -> TestResponse:
    return http.get(f"/v1/submissions/{view.id}/{rest}", headers={"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize(
    ("rest", "data"),
    [
        ("results/0/stdout", HTML),
        ("results/0/stderr", b"\xff"),
        ("compile_output", b"warning"),
        ("artifacts/0/out/a%20b.png", HTML),
        ("artifacts/0/%C3%BCn%C3%AF.txt", b"u"),
        ("artifacts/0/line%0Abreak", b"n"),
    ],
)
def test_it_works(http: FlaskClient, view: SubmissionView, rest: str, data: bytes) -> None:
    with get(http, view, rest) as answer:
        assert (answer.status_code, answer.data) == (200, data)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment; filename")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "rest",
    [
        *("results/1/stdout", "results/1/stderr", "artifacts/1/out/a%20b.png"),  # hidden
        *("results/2/stdout", "results/99999999999999999999/stdout", "results/-1/stdout", "results/0/stdin"),
        *("artifacts/0/nothing", "artifacts/0/../0/out", "artifacts/0//etc/passwd", "artifacts/0/", "events"),
    ],
)
def test_it_shows_nothing_else(http: FlaskClient, view: SubmissionView, rest: str) -> None:
    with get(http, view, rest) as answer:
        assert answer.status_code == 404
        assert answer.json is not None
        assert answer.json["error"]["code"] == "not_found"
        assert b"secret" not in answer.data


def test_it_tells_hidden_from_missing_by_nothing(http: FlaskClient, view: SubmissionView) -> None:
    with get(http, view, "results/1/stdout") as hidden, get(http, view, "results/2/stdout") as missing:
        assert hidden.json is not None
        assert missing.json is not None
        assert str(hidden.json).replace("result 1", "result 2") == str(missing.json)


def test_nobody_reads_what_is_anothers(http: FlaskClient, view: SubmissionView) -> None:
    with get(http, view, "results/0/stdout", key="person") as answer:
        assert answer.status_code == 404
    with get(http, view, "results/0/stdout", key="admin") as answer:
        assert answer.status_code == 200


def test_nothing_was_compiled(http: FlaskClient, backend: "MemoryBackend") -> None:
    with get(http, backend.keep(ASKED), "compile_output") as answer:
        assert answer.status_code == 404


def test_a_lost_blob_is_our_fault_and_names_no_place(http: FlaskClient, view: SubmissionView) -> None:
    with get(http, view, "artifacts/0/lost") as answer:
        assert answer.status_code == 503
        assert b"/secret/place" not in answer.data


def test_an_unknown_submission_has_no_values(api: "Api") -> None:
    assert api.get(f"/v1/submissions/{uuid.uuid4()}/results/0/stdout").status == 404
