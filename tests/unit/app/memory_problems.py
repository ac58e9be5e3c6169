"""Problems in memory, for the application's unit tests: one version of each, that of the last POST."""

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from domain.document import Document
from domain.errors import Conflict, NotFound
from domain.judge_messages import JudgeMessage
from domain.outputs import is_utf8
from domain.payload import Payload
from domain.problem import ProblemVersion, VersionState, Visibility
from domain.problem_reading import ProblemEntry, ProblemView, VersionEntry, Viewer
from domain.problems import Made, missing
from domain.values import Whole
from domain.views import Shown

MADE = datetime(2026, 11, 22, 8, tzinfo=UTC)


@dataclass
class MemoryProblems:
    """Keeps versions in dicts."""

    entries: dict[str, ProblemEntry] = field(default_factory=dict)
    contents: dict[str, ProblemVersion] = field(default_factory=dict)
    revealed: list[str] = field(default_factory=list)
    messages: Sequence[JudgeMessage] = ()
    asked_for: list[tuple[uuid.UUID, Viewer]] = field(default_factory=list)
    """Of which submissions a checker's messages were asked for, and by whom."""
    senders: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)

    def create(self, version: ProblemVersion, by: Viewer, visibility: Visibility | None) -> Made:
        before = self.entries.get(version.id)
        if before is not None and not before.is_open_to(by):
            raise Conflict("it is somebody else's")
        number = 1 if before is None else before.version.number + 1
        state = VersionState.CHECKING if version.needs_check else VersionState.READY
        own = VersionEntry(uuid.uuid4(), number, state, (), MADE, by.id, MADE, version.title)
        seen = visibility or (version.visibility if before is None else before.visibility)
        owner = by.id if before is None else before.owner_id
        self.entries[version.id] = ProblemEntry(version.id, owner, seen, MADE, own)
        self.contents[version.id] = version
        return Made(version.id, number, own.id, state)

    def page(self, viewer: Viewer, *, after: str, limit: int) -> Sequence[ProblemEntry]:
        found = (self.entries[one] for one in sorted(self.entries) if one > after)
        return [entry for entry in found if self._is_seen(entry, viewer)][:limit]

    def view(self, problem_id: str, viewer: Viewer, *, number: int | None = None, reveal: bool = False) -> ProblemView:
        entry = self.entries.get(problem_id)
        if entry is None or not self._is_seen(entry, viewer) or number not in {None, entry.version.number}:
            raise missing(problem_id)
        if (number is not None or reveal) and not entry.is_open_to(viewer):
            raise missing(problem_id)
        if reveal:
            self.revealed.append(problem_id)
        return ProblemView(entry, self.contents[problem_id], entry.is_open_to(viewer))

    def versions(self, problem_id: str, viewer: Viewer) -> Sequence[VersionEntry]:
        found = self.view(problem_id, viewer)
        if not found.is_open:
            raise missing(problem_id)
        return [found.entry.version]

    def show_to(self, problem_id: str, owner_id: uuid.UUID | None, visibility: Visibility) -> None:
        self.entries[problem_id] = replace(self._own(problem_id, owner_id), visibility=visibility)

    def delete(self, problem_id: str, owner_id: uuid.UUID | None) -> None:
        del self.entries[self._own(problem_id, owner_id).id]

    def statement(self, problem_id: str, viewer: Viewer, language: str | None) -> tuple[str, Whole]:
        for one in self.view(problem_id, viewer).content.statements:
            if language in {None, one.language}:
                return one.content.path, _opened(one.content)
        raise missing(problem_id)

    def attachment(self, problem_id: str, viewer: Viewer, path: str) -> Whole:
        for one in self.view(problem_id, viewer).content.attachments:
            if one.path == path:
                return _opened(one)
        raise missing(problem_id)

    def shown(self, payload: Payload | None) -> Shown | None:
        data = None if payload is None else payload.inline or b""
        return None if data is None else Shown(data[: 64 * 1024], len(data), is_utf8(data))

    def judge_messages(self, submission_id: uuid.UUID, viewer: Viewer) -> Sequence[JudgeMessage]:
        self.asked_for.append((submission_id, viewer))
        if not viewer.sees_all and self.senders.get(submission_id, viewer.id) != viewer.id:
            raise NotFound("somebody else's")
        return self.messages

    def _own(self, problem_id: str, owner_id: uuid.UUID | None) -> ProblemEntry:
        entry = self.entries.get(problem_id)
        if entry is None or owner_id not in {None, entry.owner_id}:
            raise missing(problem_id)
        return entry

    def _is_seen(self, entry: ProblemEntry, viewer: Viewer) -> bool:
        ready = entry.version.state is VersionState.READY
        return entry.is_open_to(viewer) or (entry.visibility is Visibility.PUBLIC and ready)


def _opened(document: Document) -> Whole:
    return Whole(io.BytesIO(document.content.inline or b""), document.size_bytes)
