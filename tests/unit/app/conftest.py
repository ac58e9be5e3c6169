"""The application with a backend in memory: no server is needed."""

import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.readiness import Check
from app.wiring import EXTENSION
from domain.blobs import BlobMissing
from domain.errors import Conflict, NotFound
from domain.following import Following
from domain.keys import Key, Role
from domain.listing import Place, Summary
from domain.live import Place as LivePlace
from domain.model import Submission, TestResult
from domain.settings import Settings
from domain.standing import Current
from domain.values import Stream, Whole
from domain.verdict import State, Verdict
from domain.views import Asked, ExecutionView, SubmissionView
from tests.shown import shown_result

ADMIN = Key(uuid.UUID(int=1), "admin", Role.ADMIN)
SERVICE = Key(uuid.UUID(int=2), "service", Role.SERVICE)
PERSON = Key(uuid.UUID(int=3), "person", Role.SUBMITTER)
STARTED = datetime(2026, 11, 22, 8, tzinfo=UTC)


@dataclass
class MemoryBackend:
    """Keeps submissions in a dict; what a test sets is what it answers."""

    keys: dict[str, Key] = field(default_factory=lambda: {"admin": ADMIN, "service": SERVICE, "person": PERSON})
    views: dict[uuid.UUID, SubmissionView] = field(default_factory=dict)
    bodies: dict[uuid.UUID, bytes] = field(default_factory=dict)
    asked: dict[uuid.UUID, Submission] = field(default_factory=dict)
    wholes: dict[tuple[object, ...], bytes] = field(default_factory=dict)
    """Whole values, by the arguments that open them; the submission's id is the first."""
    versions: dict[str, str] = field(default_factory=dict)
    readiness: list[Check] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    while_waiting: Callable[[], None] = lambda: None
    failure: Exception | None = None
    """Raised by every call that would ask a server."""

    @property
    def streams(self) -> "MemoryStreams":
        return MemoryStreams(self)

    def key(self, text: str) -> Key | None:
        return self.keys.get(text)

    def create(
        self,
        new: Submission,
        *,
        owner_id: uuid.UUID,
        submission_id: uuid.UUID | None,
        body_sha256: bytes,
        wait_s: float,
    ) -> SubmissionView:
        self._fail()
        if submission_id in self.views:
            if (self.views[submission_id].owner_id, self.bodies[submission_id]) != (owner_id, body_sha256):
                raise Conflict("the id was used before with another body")
            return replace(self.views[submission_id], replayed=True)
        view = self.keep(new, owner_id=owner_id, submission_id=submission_id, body_sha256=body_sha256)
        return self.wait(view, wait_s) if wait_s > 0 and not view.execution.state.final else view

    def keep(
        self,
        new: Submission,
        execution: ExecutionView | None = None,
        *,
        owner_id: uuid.UUID = SERVICE.id,
        submission_id: uuid.UUID | None = None,
        body_sha256: bytes = b"",
    ) -> SubmissionView:
        """Keep a submission as if it had been sent."""
        own_id = submission_id or uuid.uuid4()
        created_at = STARTED + timedelta(seconds=len(self.views))
        view = SubmissionView(own_id, owner_id, created_at, Asked.of(new), execution or queued())
        self.views[own_id], self.asked[own_id], self.bodies[own_id] = view, new, body_sha256
        return view

    def get(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None) -> SubmissionView:
        self._fail()
        view = self.views.get(submission_id)
        if view is None or owner_id not in (None, view.owner_id):
            raise NotFound("there is no such submission")
        return view

    def page(self, owner_id: uuid.UUID | None, *, before: Place | None, limit: int) -> Sequence[Summary]:
        self._fail()
        found = [summary(view) for view in self.views.values() if owner_id in (None, view.owner_id)]
        found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
        after = [one for one in found if before is None or (one.created_at, one.id) < (before.created_at, before.id)]
        return after[:limit]

    def wait(self, view: SubmissionView, seconds: float) -> SubmissionView:
        self.waits.append(seconds)
        self.while_waiting()
        return self.views[view.id]

    def stream(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None, ordinal: int, name: Stream) -> Whole:
        return self._whole(submission_id, owner_id, ordinal, name)

    def compile_output(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None) -> Whole:
        return self._whole(submission_id, owner_id)

    def artifact(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None, ordinal: int, path: str) -> Whole:
        if path == "lost":
            raise BlobMissing("there is no blob abc in /secret/place")
        return self._whole(submission_id, owner_id, ordinal, path)

    def _whole(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None, *which: object) -> Whole:
        self.get(submission_id, owner_id)
        if (submission_id, *which) not in self.wholes:
            raise NotFound("there is no such value")
        data = self.wholes[submission_id, *which]
        return Whole(io.BytesIO(data), len(data))

    def availability(self) -> Mapping[str, str]:
        self._fail()
        return self.versions

    def checks(self) -> Sequence[Check]:
        return self.readiness

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@dataclass
class MemoryStreams:
    """What can be asked of the executions in memory: nothing happens to them."""

    backend: MemoryBackend

    def current(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None) -> Current:
        return Current(self.backend.get(submission_id, owner_id).execution.id, takes_stdin=True)

    def follow(self, execution_id: uuid.UUID, after: LivePlace | None, on_drop: Callable[[], None]) -> Following:
        raise NotImplementedError("only the stream process follows")

    def type(self, execution_id: uuid.UUID, data: bytes | None) -> bool:
        raise NotImplementedError("only the stream process is typed to")


def queued() -> ExecutionView:
    return ExecutionView(
        id=uuid.uuid4(),
        number=1,
        state=State.QUEUED,
        verdict=None,
        reason=None,
        attempt=0,
        queued_at=STARTED,
        started_at=None,
        finished_at=None,
        compile_output=None,
        telemetry=None,
        results=(),
    )


def summary(view: SubmissionView) -> Summary:
    execution = view.execution
    return Summary(
        id=view.id,
        created_at=view.created_at,
        language=view.asked.language,
        priority=view.asked.priority,
        user_id=view.asked.user_id,
        problem_id=view.asked.problem_id,
        execution_id=execution.id,
        state=execution.state,
        verdict=execution.verdict,
        reason=execution.reason,
        points=None,
        of_hidden=any(case.is_hidden for case in view.asked.test_cases),
    )


@dataclass(frozen=True)
class Answer:
    """Status, headers and JSON."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, object]

    @property
    def fields(self) -> dict[str, str]:
        """Each bad field with what is wrong with it."""
        error = self.body["error"]
        assert isinstance(error, dict)
        assert all(set(entry) == {"field", "message", "hint"} for entry in error["fields"])
        return {entry["field"]: entry["message"] for entry in error["fields"]}


def done(*results: TestResult, verdict: Verdict = Verdict.AC, **fields: object) -> ExecutionView:
    """Give an execution that ended with these results."""
    views = tuple(map(shown_result, results))
    ended = replace(queued(), state=State.DONE, verdict=verdict, results=views, finished_at=STARTED)
    return replace(ended, **fields)  # type: ignore[arg-type]


@dataclass
class Api:
    """Sends requests with a key."""

    http: FlaskClient
    key: str | None = "service"

    def get(self, path: str, **headers: str) -> Answer:
        return self._read(self.http.get(path, headers=self._headers(headers)))

    def post(self, path: str, body: object, **headers: str) -> Answer:
        return self._read(self.http.post(path, json=body, headers=self._headers(headers)))

    def send(self, data: bytes, content_type: str = "application/json", path: str = "/v1/submissions") -> Answer:
        """Post bytes as they are."""
        return self._read(self.http.post(path, data=data, content_type=content_type, headers=self._headers({})))

    def submit(self, **fields: object) -> Answer:
        """Post hello world with some fields changed; None takes one out."""
        body = HELLO | fields
        return self.post("/v1/submissions", {name: value for name, value in body.items() if value is not None})

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        own = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return own | {name.replace("_", "-"): value for name, value in more.items()}

    def _read(self, response: TestResponse) -> Answer:
        with response:
            return Answer(response.status_code, dict(response.headers), response.get_json())


HELLO: dict[str, object] = {"language": "python", "source": {"type": "code", "content": "print('hello')"}}


@pytest.fixture
def backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture(scope="session")
def settings() -> Settings:
    nowhere = "redis://127.0.0.1:1/0"
    return Settings(
        database_url="postgresql://127.0.0.1:1/none",
        redis_url=nowhere,
        broker_url=nowhere,
        max_body_bytes=1024 * 1024,
    )


@pytest.fixture(scope="session")
def made_once(settings: Settings) -> Flask:
    return create_app(settings, MemoryBackend())


@pytest.fixture
def application(made_once: Flask, backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application with a backend of this test's own: making the OpenAPI document takes its time."""
    monkeypatch.setitem(made_once.config, "MAX_CONTENT_LENGTH", made_once.config["MAX_CONTENT_LENGTH"])
    monkeypatch.setitem(made_once.extensions, EXTENSION, replace(made_once.extensions[EXTENSION], backend=backend))
    return made_once


@pytest.fixture
def api(application: Flask) -> Api:
    return Api(application.test_client())


@pytest.fixture
def sent(backend: MemoryBackend) -> Callable[[], Submission]:
    """Give the submission that the API understood."""

    def only() -> Submission:
        (new,) = backend.asked.values()
        return new

    return only
