"""Look at sources before anything of them runs, in a jail of its own: verdict CE, reason `policy`.

Hostile text can crash, exhaust or perhaps take over a parser, so it is parsed where a program would be run. What
cannot be checked is refused; a jail that fails is our fault, as anywhere.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.blobs import BlobStore
from domain.model import File, Submission
from domain.static_checks import CheckLimits, StaticCheck, StaticChecks
from sandbox import Cause, Command, Jails, Limits, RunResult, Slot
from workers.check_python import FOUND
from workers.compile import Compiled, CompileError
from workers.convert import telemetry_of, usage_of
from workers.fill import fill
from workers.loading import loaded
from workers.prepare import KIB, MIB, Plan, disk_bytes
from workers.started import refuse_what_did_not_start

SCRIPT = Path(__file__).with_name("check_python.py")
# -I, -S: nothing of a user's, a site's or this folder's is imported. -B: nothing is written.
COMMAND = Command(("/usr/bin/python3", "-I", "-S", "-B", "./check_python.py"), policy="check")
BOX_MB = 1
OPEN_FILES = 64
RUNNABLE = (".py", ".pyc", ".so")
"""What Python's import system takes."""
TOO_COMPLEX = "the sources are too complex to be checked"


@dataclass(frozen=True)
class Checked(Compiled):
    """Sources that keep to a check and that nothing compiles; telemetry and usage are the check's."""

    @property
    def metrics(self) -> None:
        """Nothing was made."""
        return


@dataclass(frozen=True)
class _Looked:
    """A file to look at; a hidden one is not named to anybody."""

    path: str
    content: bytes
    hidden: bool = False


def applying(known: StaticChecks, plan: Plan) -> StaticCheck | None:
    """Give the check that a submission is under; None where there is none for its language.

    Raises InvalidRequest for one that this worker's files do not have: without it nothing may run.
    """
    if plan.submission.static_check is None:
        return None
    check = known.choose(plan.submission.static_check)
    return check if check.language == plan.language.name else None


def check_sources(
    sandbox: Jails, slot: Slot, check: StaticCheck, plan: Plan, blobs: BlobStore, *, cancel: int | None = None
) -> Checked:
    """Check all that the interpreter could take for a source. Raises CompileError for what is refused, SandboxError.

    It ends with RunAborted once the descriptor `cancel` is readable.
    """
    submission = plan.submission
    limits, files = slot.held_to(_limits(check.limits)), _box(check, submission, plan.entry, blobs)
    with sandbox.jail(slot, limits, disk_bytes(BOX_MB, files), plan.language.mounts, command=COMMAND) as jail:
        fill(jail.box, files)
        result = jail.run(COMMAND, limits, cancel)
        refuse_what_did_not_start(COMMAND.argv[0], result)
    telemetry, usage = telemetry_of(result, None), usage_of(result)
    found = _found(check, result, len(files) - 2)
    if found:
        told = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        output = "".join(f"{line}\n" for line in found).encode()
        raise CompileError("policy", output, telemetry, usage, found[0] + told)
    return Checked(submission.sources, telemetry=telemetry, usage=usage)


def _found(check: StaticCheck, result: RunResult, files: int) -> list[str]:
    """Say what is wrong. Nothing is only what the script says is nothing, of all files."""
    by_itself = result.cause is Cause.EXIT
    if by_itself and result.exit_code == 0 and result.stdout == f"checked {files}\n".encode():
        return []
    if by_itself and result.exit_code == FOUND and result.stdout:
        return result.stdout.decode(errors="replace").splitlines()
    why = result.cause.value if not by_itself else f"the check ended with exit code {result.exit_code}"
    return [f"{TOO_COMPLEX} by the static check {check.name!r} ({why}); make them smaller or less nested"]


def _limits(asked: CheckLimits) -> Limits:
    return Limits(
        cpu_time_ms=asked.cpu_time_ms,
        wall_time_ms=asked.wall_time_ms,
        memory_bytes=asked.memory_mb * MIB,
        output_bytes=asked.output_kb * KIB,
        file_bytes=MIB,
        processes=1,
        open_files=OPEN_FILES,
    )


def _box(check: StaticCheck, submission: Submission, entry: str | None, blobs: BlobStore) -> list[File]:
    """Put the script, its questions and numbered sources together: no name of the sender's is a name there."""
    looked = list(dict.fromkeys(_looked_at(submission, entry, blobs)))
    ask = {
        "imports": sorted(check.imports),
        "names": dict(check.names),
        "attributes": dict(check.attributes),
        "entry": entry or "",
        "own": sorted(_always_there(submission)),
        "files": [
            {"path": file.path, "hidden": file.hidden, "at": f"files/{number}"} for number, file in enumerate(looked)
        ],
    }
    return [
        File("check_python.py", SCRIPT.read_bytes()),
        File("ask.json", json.dumps(ask).encode()),
        *(File(f"files/{number}", file.content) for number, file in enumerate(looked)),
    ]


def _looked_at(submission: Submission, entry: str | None, blobs: BlobStore) -> Iterator[_Looked]:
    """List what could be run: sources, and the test cases' own files, which lie beside them or in their place."""
    for source in submission.sources:
        if _runnable(source.path, entry):
            yield _Looked(source.path, source.content)
    for case in submission.test_cases:
        if not any(_runnable(path, entry) for path in case.file_paths):
            continue
        for file in loaded(case, blobs).files:
            if _runnable(file.path, entry):
                yield _Looked(file.path, file.content, case.is_hidden)


def _runnable(path: str, entry: str | None) -> bool:
    return path == entry or path.endswith(RUNNABLE)


def _always_there(submission: Submission) -> set[str]:
    """List the paths of the submission that no test case lacks: a module that only some have may be the host's."""
    cases = [set(case.file_paths) for case in submission.test_cases]
    return {file.path for file in submission.sources} | (set.intersection(*cases) if cases else set())
