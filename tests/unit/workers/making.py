"""Submissions, plans and benches to try parts of `workers` on, with the real languages and no jail."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from domain.blob_folder import FolderBlobs
from domain.ids import new_id
from domain.languages import Languages
from domain.model import Claim, Expectation, File, Submission, TestCase
from domain.settings import TREE
from sandbox import Slot
from sandbox.fake import FakeSandbox
from workers.compile import Compiled
from workers.prepare import Plan, plan
from workers.run import Bench
from workers.stopwatch import Stopwatch

LANGUAGES = Languages.load(TREE / "jail-configs" / "languages")
HELLO = (File("main.py", b"print('hello')\n"),)
ONLY = TestCase(0, "only")
OWNER = UUID(int=7)


def asking(language: str = "python", sources: tuple[File, ...] = HELLO, **more: object) -> Submission:
    """A submission with one test case, unless more is said."""
    values: dict[str, object] = {"entry_point": None, "test_cases": (ONLY,), **more}
    return Submission(language=language, sources=sources, **values)  # type: ignore[arg-type]


def planned(language: str = "python", sources: tuple[File, ...] = HELLO, **more: object) -> Plan:
    return plan(LANGUAGES, asking(language, sources, **more))


def expecting(stdout: bytes | None = None, exit_code: int | None = None, **files: bytes) -> TestCase:
    """A test case; `files` are expected under their names with `.txt`."""
    wanted = tuple(File(f"{name}.txt", content) for name, content in files.items())
    return TestCase(0, "only", expected=Expectation(stdout, wanted, exit_code))


def bench(sandbox: FakeSandbox, folder: Path, made: Plan | None = None) -> Bench:
    """A bench whose slot is held for ever."""
    made = made or planned()
    slot = Slot((0,), "0", (0,), None, 1000)
    sandbox.held.append(slot)
    return Bench(sandbox, slot, made, Compiled(made.submission.sources), FolderBlobs(folder), Stopwatch(None))


def claimed(submission: Submission, attempt: int = 1, *, owner: UUID = OWNER, number: int = 1) -> Claim:
    queued_at = datetime(2026, 1, 1, tzinfo=UTC)
    return Claim(new_id(), UUID(int=1), attempt, "host/1", queued_at, submission, owner, number)
