"""Compile a submission once, in a jail of its own, and carry the declared results out of it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from domain.logging import logger
from domain.model import CompileCache, File, RunTelemetry, Usage
from sandbox import Cause, Collection, Jails, Limits, Mount, RunResult, SandboxError, Slot
from workers.convert import telemetry_of, usage_of
from workers.fill import fill
from workers.java_main import MainClassError, main_class
from workers.prepare import PREPARED_DIR, Plan, compile_limits, disk_bytes
from workers.started import refuse_what_did_not_start

MAX_ARTIFACT_FILES = 4096
MAX_ARTIFACT_BYTES = 256 * 1024 * 1024
EXECUTABLE = 0o755

log = logger(__name__)


@dataclass(frozen=True)
class Compiled:
    """What the run boxes are filled with."""

    files: tuple[File, ...]
    main_class: str | None = None
    output: bytes | None = None
    telemetry: RunTelemetry | None = None
    usage: Usage | None = None
    prepared: bool = False
    """Whether the compiler was given what `workers.prepared` made."""
    cache: CompileCache | None = None

    @property
    def metrics(self) -> dict[str, int | str] | None:
        """What is known of the artifact; None where nothing was compiled."""
        if self.usage is None:
            return None
        sizes: dict[str, int | str] = {
            "artifact_files": len(self.files),
            "artifact_bytes": sum(len(file.content) for file in self.files),
        }
        return sizes | ({"prepared": 1} if self.prepared else {})


@dataclass
class CompileError(Exception):
    """The submission does not compile: verdict CE with this reason."""

    reason: str
    output: bytes
    telemetry: RunTelemetry
    usage: Usage
    message: str = ""
    by_itself: bool = False
    """Whether the compiler just ended: nothing was refused it that another time might not be."""
    cache: CompileCache | None = None


def compile_submission(
    sandbox: Jails, slot: Slot, plan: Plan, prepared: Path | None = None, cancel: int | None = None
) -> Compiled:
    """Compile, or take the sources as they are where there is no compiler. Raises CompileError, SandboxError.

    It ends with RunAborted once the descriptor `cancel` is readable.

    `prepared` is a folder of `workers.prepared`. It saves time and decides nothing: what fails with it and might not
    without is compiled again, and only that counts.
    """
    if prepared is not None and plan.suits_prepared:
        try:
            return replace(_compile(sandbox, slot, plan, prepared, cancel), prepared=True)
        except CompileError as error:
            if _would_fail_anyway(plan, error.reason):
                raise
            log.info("compiled_again_without_prepared", language=plan.language.name, reason=error.reason)
    return _compile(sandbox, slot, plan, None, cancel)


def _would_fail_anyway(plan: Plan, reason: str) -> bool:
    if reason.startswith("exit:"):
        return plan.preparation is None or not plan.preparation.repeat_failed
    return reason in {Cause.CPU, Cause.WALL}


def _compile(sandbox: Jails, slot: Slot, plan: Plan, prepared: Path | None, cancel: int | None) -> Compiled:
    command, step = plan.compile_command(prepared=prepared is not None), plan.language.compile
    if command is None or step is None:
        return Compiled(plan.submission.sources)
    _refuse_what_is_missing(plan)
    limits = slot.held_to(compile_limits(step))
    sources = plan.compiled_files
    shown: tuple[Mount, ...] = () if prepared is None else ((str(prepared), PREPARED_DIR),)
    mounts = (*plan.language.mounts, *shown)
    with sandbox.jail(slot, limits, disk_bytes(step.disk_mb, sources), mounts, command=command) as jail:
        fill(jail.box, sources)
        result = jail.run(command, limits, cancel)
        refuse_what_did_not_start(command.argv[0], result)
        collected = jail.box.collect(
            step.outputs, max_files=MAX_ARTIFACT_FILES, max_file_bytes=MAX_ARTIFACT_BYTES, max_bytes=MAX_ARTIFACT_BYTES
        )
    return _compiled(plan, limits, result, collected)


def _refuse_what_is_missing(plan: Plan) -> None:
    suites = plan.language.suites
    if plan.submission.suite is None or suites is None:
        return
    for path in suites.needs:
        if not Path(path).is_file():
            raise SandboxError(f"{path} is not there, which unit tests need: {plan.language.install}")


def _compiled(plan: Plan, limits: Limits, result: RunResult, collected: Collection) -> Compiled:
    output = (result.stdout + result.stderr)[: limits.output_bytes]
    seen = telemetry_of(result, None), usage_of(result)
    reason = compile_reason(result)
    if reason is None and (not collected.files or collected.cut or any(file.truncated for file in collected.files)):
        reason = "no_program"
    if reason is not None:
        raise CompileError(reason, output, *seen, by_itself=result.cause is Cause.EXIT)
    files = tuple(File(file.path, file.content, EXECUTABLE) for file in collected.files)
    start = None
    if plan.language.main_class and plan.submission.suite is None:
        try:
            classes = {file.path: file.content for file in files if file.path.endswith(".class")}
            start = main_class(classes, plan.submission.entry_point)
        except MainClassError as error:
            told = b"\n".join(text for text in (output.rstrip(), str(error).encode(), b"") if text) + b"\n"
            raise CompileError(error.reason, told, *seen, message=str(error)) from error
    return Compiled(files, start, output, *seen)


def compile_reason(result: RunResult) -> str | None:
    """Name why a compiler failed, by the closed list of reasons; None where it did not."""
    match result.cause:
        case Cause.MEMORY | Cause.CPU | Cause.WALL:
            return result.cause.value
        case Cause.STDOUT | Cause.STDERR | Cause.FILE:
            return "output"
        case Cause.SYSCALL:
            return "policy"
        case Cause.SIGNAL | Cause.PROCESSES | Cause.EXIT:
            if result.exit_signal is not None:
                return f"signal:{result.exit_signal}"
            return f"exit:{result.exit_code}" if result.exit_code else None
        case _:
            assert_never(result.cause)
