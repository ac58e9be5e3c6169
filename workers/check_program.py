"""Ask a checker that is a program about outputs: in a jail of its own, when that of the judged program is gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.judging import Checker, CheckerType, Protocol
from domain.logging import logger
from domain.model import File, Submission, TestCase
from domain.verdict import Verdict
from sandbox import BoxFiles, Jails, Slot
from workers.author_program import (
    FOLDER,
    CompiledProgram,
    Task,
    Workshop,
    compile_program,
    inside,
    kept_program,
    run_program,
)
from workers.checked import (
    MOST_MESSAGE_BYTES,
    MOST_NEXT_BYTES,
    MOST_SCORE_BYTES,
    NO_FEEDBACK,
    Checked,
    Feedback,
    checked,
    text,
)
from workers.compile import CompileError

INPUT, ANSWER, OUTPUT = "input.in", "answer.ans", "output.out"
FEEDBACK = f"{FOLDER}/feedback"
NEXT = "nextpass.in"
MOST_KEPT_FILES = 100
MOST_KEPT_BYTES = 32 * 1024 * 1024
"""Of a feedback folder that is kept for the next pass; one with more is the checker's fault."""

log = logger(__name__)


def checker_of(shop: Workshop, slot: Slot, asked: Submission, cancel: int | None = None) -> "CheckerProgram | None":
    """Compile the checker of a submission; None where outputs are compared by us. Raises as `compile_program` does."""
    program = asked.checker.program
    if asked.checker.type is not CheckerType.PROGRAM or program is None:
        return None
    return CheckerProgram(shop.sandbox, compile_program(shop, slot, program, cancel), asked.checker, asked.passes)


def kept_checker(shop: Workshop, asked: Submission) -> "CheckerProgram | None":
    """Give it as it was compiled before; None where it was not, or is none. Raises InvalidRequest."""
    program = asked.checker.program
    if asked.checker.type is not CheckerType.PROGRAM or program is None:
        return None
    made = kept_program(shop, program)
    return None if made is None else CheckerProgram(shop.sandbox, made, asked.checker, asked.passes)


def not_compiled(error: CompileError, asked: Submission) -> str:
    """Say that it does not compile; what its compiler said tells of its source, which may tell of answers."""
    log.warning("checker_not_compiled", reason=error.reason, output=text(error.output))
    why = f"the checker does not compile: {error.reason}"
    if any(case.is_hidden or case.kept is not None for case in asked.test_cases):
        return why
    return f"{why}\n{text(error.output)}".rstrip()


@dataclass(frozen=True)
class Written:
    """An output that is to be judged. `reason` is that of a wrong one; None stands for a file that is missing."""

    reason: str
    content: bytes | None
    answer: bytes
    longer: bool = False
    """Whether there was more of it than is looked at."""


@dataclass(frozen=True)
class Answer:
    """What the checker said of all outputs of a run, and of which of them the last; its folder for the next pass."""

    checked: Checked
    reason: str | None = None
    kept: tuple[File, ...] = ()


@dataclass(frozen=True)
class CheckerProgram:
    """A checker that was compiled, with its arguments."""

    sandbox: Jails
    program: CompiledProgram
    checker: Checker
    passes: int = 1
    """How many passes there may be in all."""

    def judge(
        self,
        slot: Slot,
        case: TestCase,
        outputs: Sequence[Written],
        before: Sequence[File] = (),
        *,
        cancel: int | None = None,
    ) -> Answer:
        """Ask about one output after the other, up to the first that is not accepted; the last one's word counts.

        `before` is what the pass before left in the feedback folder. Raises SandboxError, RunAborted.
        """
        answer = Answer(Checked(Verdict.AC))
        for written in outputs:
            answer = self._ask(slot, case, written, before, cancel)
            if not answer.checked.verdict.passed:
                break
        return answer

    def _ask(self, slot: Slot, case: TestCase, written: Written, before: Sequence[File], cancel: int | None) -> Answer:
        if written.content is None or written.longer:
            what = "missing" if written.content is None else "too long"
            path = written.reason.partition(":")[2]
            return Answer(Checked(Verdict.WA, f"the expected file {path} is {what}"), written.reason)
        task = self._task(case, written.content, written.answer, before)
        result, left = run_program(self.sandbox, slot, self.program, task, self._read, cancel=cancel)
        found = checked(self.checker.protocol, result, left)
        reason = {Verdict.WA: written.reason, Verdict.JE: "checker"}.get(found.verdict)
        return Answer(found, reason, left.kept)

    def _task(self, case: TestCase, output: bytes, answer: bytes, before: Sequence[File]) -> Task:
        flags = (*self.checker.arguments, *case.checker_arguments)
        shown = (File(f"{FOLDER}/{INPUT}", case.stdin), File(f"{FOLDER}/{ANSWER}", answer))
        if self.checker.protocol is Protocol.TESTLIB:
            files = (*shown, File(f"{FOLDER}/{OUTPUT}", output))
            return Task((inside(INPUT), inside(OUTPUT), inside(ANSWER), *flags), files=files)
        folder = f"{inside('feedback')}/"
        return Task(
            (inside(INPUT), inside(ANSWER), folder, *flags), output, files=(*shown, *before), folders=(FEEDBACK,)
        )

    def _read(self, box: BoxFiles) -> Feedback:
        return NO_FEEDBACK if self.checker.protocol is Protocol.TESTLIB else read_feedback(box, keep=self.passes > 1)


def read_feedback(box: BoxFiles, *, keep: bool) -> Feedback:
    """Read what a program left in the feedback folder; all of it, but for the next input, where it is to be kept."""

    def read(name: str, most_bytes: int) -> bytes | None:
        found = box.read(f"{FEEDBACK}/{name}", most_bytes + 1)
        return None if found is None else found[0]

    kept: tuple[File, ...] = ()
    cut = False
    if keep:
        found = box.collect(
            [f"{FEEDBACK}/**"],
            max_files=MOST_KEPT_FILES,
            max_file_bytes=MOST_KEPT_BYTES,
            max_bytes=MOST_KEPT_BYTES,
        )
        kept = tuple(File(file.path, file.content) for file in found.files if file.path != f"{FEEDBACK}/{NEXT}")
        cut = found.cut or any(file.truncated for file in found.files)
    return Feedback(
        judge=read("judgemessage.txt", MOST_MESSAGE_BYTES) or b"",
        team=read("teammessage.txt", MOST_MESSAGE_BYTES) or b"",
        score=read("score.txt", MOST_SCORE_BYTES),
        multiplier=read("score_multiplier.txt", MOST_SCORE_BYTES),
        next_input=read(NEXT, MOST_NEXT_BYTES),
        kept=kept,
        cut=cut,
    )
