"""The application with a backend in memory: no server is needed."""

import io
import json
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
from domain.batches import Item
from domain.blobs import BlobMissing
from domain.errors import Conflict, LimitReached, NotFound
from domain.fair import User
from domain.following import Following
from domain.hosts import Host
from domain.idempotency import another_body
from domain.issuing import Issued
from domain.key_limits import NO_LIMITS
from domain.key_list import KeyEntry
from domain.keys import Key, NewKey, Role
from domain.listing import ALL, Filters, Place, Summary
from domain.live import Place as LivePlace
from domain.model import Submission, TestResult
from domain.problem_reading import Viewer
from domain.rates import Window
from domain.settings import Settings
from domain.standing import Current
from domain.usage_limits import Use
from domain.values import Stream, Whole
from domain.verdict import State, Verdict
from domain.views import Asked, ExecutionView, SubmissionView, Version
from tests.shown import shown_result
from tests.unit.app.memory_batches import MemoryBatches
from tests.unit.app.memory_packages import MemoryPackages
from tests.unit.app.memory_problems import MemoryProblems
from tests.unit.app.memory_regrades import MemoryRegrades
from tests.unit.app.memory_webhooks import MemoryWebhooks

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
    by_key: dict[tuple[uuid.UUID, str], uuid.UUID] = field(default_factory=dict)
    """Submissions by whose Idempotency-Key they were sent with."""
    asked: dict[uuid.UUID, Submission] = field(default_factory=dict)
    wholes: dict[tuple[object, ...], bytes] = field(default_factory=dict)
    """Whole values, by the arguments that open them; the submission's id is the first."""
    entries: dict[str, KeyEntry] = field(default_factory=dict)
    """API keys by prefix."""
    versions: dict[str, str] = field(default_factory=dict)
    known_hosts: list[Host] = field(default_factory=list)
    readiness: list[Check] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    while_waiting: Callable[[], None] = lambda: None
    filters: Filters = ALL
    """Those that were asked for last; all are listed whatever they say."""
    users: list[User] = field(default_factory=list)
    """Whose limits were to count."""
    admitted: list[tuple[User, str, int]] = field(default_factory=list)
    windows: Sequence[Window] = ()
    refusal: LimitReached | None = None
    webhooks: MemoryWebhooks = field(default_factory=MemoryWebhooks)
    packages: MemoryPackages = field(default_factory=MemoryPackages)
    problems: MemoryProblems = field(default_factory=MemoryProblems)
    regrades: MemoryRegrades = field(default_factory=MemoryRegrades)
    failure: Exception | None = None
    """Raised by every call that would ask a server."""
    batches: MemoryBatches = field(init=False)

    def __post_init__(self) -> None:
        self.batches = MemoryBatches(self._keep_item, self.views, summary)

    def _keep_item(self, item: Item) -> SubmissionView:
        sent = item.sent
        return self.keep(item.submission, owner_id=sent.owner_id, submission_id=sent.id, body_sha256=sent.body_sha256)

    @property
    def streams(self) -> "MemoryStreams":
        return MemoryStreams(self)

    def key(self, text: str) -> Key | None:
        return self.keys.get(text)

    def make_key(self, by: Key, new: NewKey) -> Issued:
        self._fail()
        entry = entry_of(new, by.id, f"{len(self.entries):012x}")
        self.entries[entry.prefix] = entry
        return Issued(f"shipd_{entry.prefix}_{'0' * 64}", entry)

    def key_page(self, owner_id: uuid.UUID | None, *, before: Place | None, limit: int) -> Sequence[KeyEntry]:
        self._fail()
        assert before is None
        return [entry for entry in self.entries.values() if owner_id in (None, entry.owner_id)][:limit]

    def rotate_key(self, by: Key, prefix: str, *, grace: timedelta, expires_at: datetime | None) -> Issued:
        entry = replace(self._entry(by, prefix), rotated_at=STARTED, old_until=STARTED + grace)
        self.entries[prefix] = replace(entry, expires_at=expires_at or entry.expires_at)
        return Issued(f"shipd_{prefix}_{'1' * 64}", self.entries[prefix])

    def revoke_key(self, by: Key, prefix: str) -> KeyEntry:
        self.entries[prefix] = replace(self._entry(by, prefix), revoked_at=STARTED)
        return self.entries[prefix]

    def _entry(self, by: Key, prefix: str) -> KeyEntry:
        self._fail()
        entry = self.entries.get(prefix)
        if entry is None or (by.role is not Role.ADMIN and entry.owner_id != by.id):
            raise NotFound("there is no such key")
        return entry

    def create(
        self,
        new: Submission,
        *,
        owner_id: uuid.UUID,
        submission_id: uuid.UUID | None,
        body_sha256: bytes,
        wait_s: float,
        user: User,
        admit: Callable[[], None],
        key: str | None = None,
    ) -> SubmissionView:
        self._fail()
        made = self.by_key.get((owner_id, key)) if key is not None else None
        if made is not None:
            if self.bodies[made] != body_sha256:
                raise another_body()
            return replace(self.views[made], replayed=True)
        if submission_id in self.views:
            if (self.views[submission_id].owner_id, self.bodies[submission_id]) != (owner_id, body_sha256):
                raise Conflict("the id was used before with another body")
            return replace(self.views[submission_id], replayed=True)
        admit()
        self.users.append(user)
        view = self.keep(new, owner_id=owner_id, submission_id=submission_id, body_sha256=body_sha256)
        if key is not None:
            self.by_key[owner_id, key] = view.id
        return self.wait(view, wait_s) if wait_s > 0 and not view.execution.state.final else view

    def admit(self, user: User, rate: str, count: int) -> Sequence[Window]:
        self.admitted.append((user, rate, count))
        if self.refusal is not None:
            raise self.refusal
        return self.windows

    def usage(self, user: User, rate: str) -> Use:
        self._fail()
        self.users.append(user)
        self.admitted.append((user, rate, 0))
        return Use(1, 2, 8, 1500, None, 3600, self.windows)

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

    def reveal(self, submission_id: uuid.UUID, viewer: Viewer) -> SubmissionView:
        view = self.get(submission_id, None)
        entry = self.problems.entries.get(view.asked.problem_id or "")
        if not viewer.sees_all and (entry is None or not entry.is_open_to(viewer)):
            raise NotFound("it is not there")
        return view

    def version(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None) -> Version:
        return self.get(submission_id, owner_id).version

    def page(
        self, owner_id: uuid.UUID | None, *, filters: Filters, before: Place | None, limit: int
    ) -> Sequence[Summary]:
        self._fail()
        self.filters = filters
        found = [summary(view) for view in self.views.values() if owner_id in (None, view.owner_id)]
        found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
        after = [one for one in found if before is None or (one.created_at, one.id) < (before.created_at, before.id)]
        return after[:limit]

    def wait(self, view: SubmissionView, seconds: float) -> SubmissionView:
        self.waits.append(seconds)
        self.while_waiting()
        return self.views[view.id]

    def cancel(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None) -> SubmissionView:
        view = self.get(submission_id, owner_id)
        if not view.execution.state.final:
            ended = replace(view.execution, state=State.CANCELLED, finished_at=STARTED)
            self.views[submission_id] = replace(view, execution=ended)
        return self.views[submission_id]

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

    def hosts(self) -> Sequence[Host]:
        self._fail()
        return self.known_hosts

    def checks(self) -> Sequence[Check]:
        return self.readiness

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def entry_of(new: NewKey, maker: uuid.UUID, prefix: str) -> KeyEntry:
    return KeyEntry(
        id=uuid.uuid4(),
        owner_id=new.owner_id or maker,
        prefix=prefix,
        name=new.name,
        role=new.role,
        scopes=new.scopes,
        limits=NO_LIMITS,
        network=new.network,
        static_check=new.static_check,
        created_at=STARTED,
        expires_at=new.expires_at,
        rotated_at=None,
        old_until=None,
        last_used_at=None,
        revoked_at=None,
    )


@dataclass
class MemoryStreams:
    """What can be asked of the executions in memory: nothing happens to them."""

    backend: MemoryBackend

    def current(self, submission_id: uuid.UUID, owner_id: uuid.UUID | None) -> Current:
        view = self.backend.get(submission_id, owner_id)
        return Current(view.execution.id, view.owner_id, takes_stdin=True)

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

    def delete(self, path: str, **headers: str) -> Answer:
        return self._read(self.http.delete(path, headers=self._headers(headers)))

    def post(self, path: str, body: object, **headers: str) -> Answer:
        return self._read(self.http.post(path, json=body, headers=self._headers(headers)))

    def lines(self, path: str) -> tuple[int, list[dict[str, object]]]:
        """Read a stream of JSON lines to its end."""
        with self.http.get(path, headers=self._headers({})) as response:
            return response.status_code, [json.loads(line) for line in response.data.splitlines()]

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
