"""The platform while its blob store does not answer."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner, Result

from app import create_app
from app.cli import main
from domain import executions, hosts, keys, submissions
from domain.blob_s3 import S3Blobs
from domain.blobs import BlobsAway
from domain.db import Database
from domain.host import HostReport
from domain.model import TestCase, TestResult
from domain.settings import Settings
from domain.verdict import Verdict
from domain.views import SubmissionView
from standalone import ports
from tests.integration.blobs.test_s3 import HURRIED
from tests.integration.conftest import HELLO
from tests.s3 import S3

LONG = 100_000


@pytest.fixture
def nowhere(s3: S3, prefix: str) -> S3Blobs:
    return S3Blobs(s3.place(prefix, port=ports.choose(1)[0]), patience=HURRIED)


@pytest.fixture
def kept(db: Database, bucket: S3Blobs, owner: UUID) -> SubmissionView:
    """A submission with a long input."""
    new = replace(HELLO, test_cases=(TestCase(0, "long", stdin=b"x" * LONG),))
    return submissions.create(
        db, bucket, new, owner_id=owner, submission_id=None, body_sha256=bytes(32), enqueue=lambda *_: None
    )


def test_a_claim_whose_input_cannot_be_read_is_given_back(
    db: Database, bucket: S3Blobs, nowhere: S3Blobs, kept: SubmissionView, rows: Callable[..., list[dict[str, object]]]
) -> None:
    for _ in range(3):
        with pytest.raises(BlobsAway):
            executions.claim(db, nowhere, kept.execution.id, worker="w", lease_s=30, max_attempts=1)
    (row,) = rows("SELECT state, attempt - given_back AS used, lease_until FROM executions")
    assert row == {"state": "queued", "used": 0, "lease_until": None}

    claim = executions.claim(db, bucket, kept.execution.id, worker="w", lease_s=30, max_attempts=1)
    assert claim is not None
    assert claim.submission.test_cases[0].stdin == b"x" * LONG


def test_requests_that_need_it_are_answered_with_503(
    s3: S3, database_url: str, redis_url: str, db: Database, prefix: str, bucket: S3Blobs, kept: SubmissionView
) -> None:
    claim = executions.claim(db, bucket, kept.execution.id, worker="w", lease_s=30)
    assert claim is not None
    assert executions.record(db, bucket, claim, [TestResult(0, Verdict.OK, stdout=b"y" * LONG)])
    place = s3.place(prefix, port=ports.choose(1)[0])
    key = {"Authorization": f"Bearer {keys.create(db, name='a', role='admin')}"}
    body = {"language": "python", "source": {"type": "code", "content": "1"}, "test_cases": [{"input": "x" * LONG}]}

    with create_app(Settings(database_url, redis_url, redis_url, blob_url=place)).test_client() as http:
        answers = [
            http.post("/v1/submissions", json=body, headers=key),
            http.get(f"/v1/submissions/{kept.id}", headers=key),
        ]
        hosts.report(db, HostReport("one", 1, 2**30, root=False, languages={"python": "3.11.2"}))
        answers.append(http.get("/readyz"))

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert all(answer.headers["Retry-After"] for answer in answers)
    assert not any("127.0.0.1" in answer.text or prefix in answer.text for answer in answers)
    assert [check["name"] for check in answers[2].json["checks"] if not check["ok"]] == ["blobs"]  # type: ignore[index] # JSON


def test_the_command_says_so_with_an_exit_code_of_its_own(
    s3: S3, database_url: str, redis_url: str, kept: SubmissionView, db: Database, bucket: S3Blobs
) -> None:
    claim = executions.claim(db, bucket, kept.execution.id, worker="w", lease_s=30)
    assert claim is not None
    assert executions.record(db, bucket, claim, [TestResult(0, Verdict.OK, stdout=b"y" * LONG)])
    environ = {**s3.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    environ["SHIPD_S3_ENDPOINT"] = f"http://127.0.0.1:{ports.choose(1)[0]}"

    result: Result = CliRunner().invoke(main, ["submissions", "show", str(kept.id)], env=environ)

    assert result.exit_code == 3
    assert "the blob store does not answer" in result.stderr
    assert CliRunner().invoke(main, ["submissions", "show", str(uuid4())], env=environ).exit_code == 1
