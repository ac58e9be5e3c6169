"""GET of whole outputs, compile output and artifacts."""

import uuid
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from domain.model import File, Submission, TestCase
from domain.views import SubmissionView

if TYPE_CHECKING:
    from tests.unit.app.conftest import Api, MemoryBackend

HTML = b"<script>alert(1)</script>"
ASKED = Submission("c", (File("main.c", b""),), None, (TestCase(0, "1"),))


@pytest.fixture
def http(api: "Api") -> FlaskClient:
    return api.http


@pytest.fixture
def view(backend: "MemoryBackend") -> SubmissionView:
    kept = backend.keep(ASKED)
    values = {
        (0, "stdout"): HTML,
        (0, "stderr"): b"\xff",
        (): b"warning",
        (0, "out/a b.png"): HTML,
        (0, "ünï.txt"): b"u",
        (0, "line\nbreak"): b"n",
    }
    backend.wholes = {(kept.id, *which): data for which, data in values.items()}
    return kept


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
        assert answer.headers["Content-Length"] == str(len(data))
        assert answer.headers["Content-Disposition"].startswith("attachment; filename")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "rest",
    [
        *("results/1/stdout", "results/1/stderr", "artifacts/1/out/a%20b.png"),
        *("results/2/stdout", "results/99999999999999999999/stdout", "results/-1/stdout", "results/0/stdin"),
        *("artifacts/0/nothing", "artifacts/0/../0/out", "artifacts/0//etc/passwd", "artifacts/0/", "event"),
    ],
)
def test_it_shows_nothing_else(http: FlaskClient, view: SubmissionView, rest: str) -> None:
    with get(http, view, rest) as answer:
        assert answer.status_code == 404
        assert answer.json is not None
        assert answer.json["error"]["code"] == "not_found"


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
