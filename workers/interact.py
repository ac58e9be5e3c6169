"""Run a program with what interacts with it, and hear what that says: who ended first decides whose word counts.

The interactor is a program of the problem's author, as little trusted as any, in a jail of its own beside the judged
one; the two have nothing in common but what passes between them. What is usual elsewhere is so here: an interactor that
rejects before the program has ended is right whatever the program does then; else the program's own end comes first, if
that is not as it should be, and the interactor's word only then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from domain import interaction
from domain.judging import Interactor, Protocol
from domain.model import File, Submission, TestCase, TestResult
from domain.verdict import Verdict
from sandbox import (
    BOX_PATH,
    BoxFiles,
    Cause,
    Command,
    Conversation,
    Jails,
    Limits,
    OpenJail,
    RunResult,
    SandboxError,
    Side,
    Slot,
    Speaker,
)
from workers.author_program import (
    CONSTRAINTS,
    FOLDER,
    CompiledProgram,
    Workshop,
    compile_program,
    inside,
    kept_program,
)
from workers.check_program import ANSWER, FEEDBACK, INPUT, OUTPUT, Answer, CheckerProgram, Written, read_feedback
from workers.checked import NO_FEEDBACK, Feedback, checked
from workers.fill import fill
from workers.passes import Pass, judged
from workers.prepare import disk_bytes
from workers.started import refuse_what_did_not_start

MOST_OUTPUT_BYTES = 64 * 1024 * 1024
"""Of the file that a testlib interactor writes for a checker."""
LEAST_BYTES = 64 * 1024 * 1024
"""With less memory an interactor would end for the lack of it, and that would be taken for its fault."""
DEADLOCK = "deadlock: both wait for each other"


def interactor_of(
    shop: Workshop, slot: Slot, asked: Submission, cancel: int | None = None
) -> "InteractorProgram | None":
    """Compile the interactor of a submission; None where it has none. Raises as `compile_program` does."""
    if asked.interactor is None:
        return None
    made = compile_program(shop, slot, asked.interactor.program, cancel)
    return InteractorProgram(shop.sandbox, made, asked.interactor, asked.passes)


def kept_interactor(shop: Workshop, asked: Submission) -> "InteractorProgram | None":
    """Give it as it was compiled before; None where it was not, or there is none. Raises InvalidRequest."""
    if asked.interactor is None:
        return None
    made = kept_program(shop, asked.interactor.program)
    return None if made is None else InteractorProgram(shop.sandbox, made, asked.interactor, asked.passes)


@dataclass(frozen=True)
class Talked:
    """A conversation, and what its interactor says of it."""

    conversation: Conversation
    answer: Answer
    output: Written | None = None
    """What it left for a checker."""

    @property
    def program(self) -> RunResult:
        """What became of the program."""
        return self.conversation.program

    @property
    def decides(self) -> bool:
        """Whether nothing that the program did counts: the interactor ended first, and not for being content."""
        return self.conversation.first is Speaker.INTERACTOR and not self.answer.checked.verdict.passed

    @property
    def transcript(self) -> bytes:
        """All that was said, as it is kept."""
        return interaction.encode(_said(self.conversation), truncated=self.conversation.truncated)


def _said(conversation: Conversation) -> Iterator[interaction.Said]:
    for one in conversation.said:
        yield interaction.Said(interaction.Speaker(one.speaker), one.data)


@dataclass(frozen=True)
class InteractorProgram:
    """An interactor that was compiled, with its arguments."""

    sandbox: Jails
    program: CompiledProgram
    interactor: Interactor
    passes: int = 1

    def talk(
        self,
        slot: Slot,
        program: tuple[OpenJail, Command, Limits],
        case: TestCase,
        before: Sequence[File],
        *,
        cancel: int | None = None,
    ) -> Talked:
        """Let it talk to a program that stands in its jail. Raises SandboxError, RunAborted.

        `before` is what the pass before left in the feedback folder.
        """
        asked, command = _side(case, *program), self.program.command(self._arguments(case))
        limits = _beside(slot, self.program.limits, asked.limits)
        limits = replace(limits, wall_time_ms=limits.wall_time_ms + asked.limits.wall_time_ms)
        files = self.program.files(self._files(case, before))
        size = disk_bytes(CONSTRAINTS.disk_limit_mb, files)
        with self.sandbox.jail(slot.beside, limits, size, self.program.plan.language.mounts) as jail:
            fill(jail.box, files)
            jail.box.make_folder(FEEDBACK)
            own = Side(jail, command, limits, self._accepts)
            conversation = self.sandbox.converse(slot, asked, own, cancel)
            refuse_what_did_not_start(command.argv[0], conversation.interactor)
            return self._heard(conversation, jail.box, case)

    def _arguments(self, case: TestCase) -> tuple[str, ...]:
        flags = (*self.interactor.arguments, *case.checker_arguments)
        if self.interactor.protocol is Protocol.TESTLIB:
            return inside(INPUT), inside(OUTPUT), inside(ANSWER), *flags
        return inside(INPUT), inside(ANSWER), f"{BOX_PATH}/{FEEDBACK}/", *flags

    def _files(self, case: TestCase, before: Sequence[File]) -> list[File]:
        answer = case.expected.stdout or b""
        return [File(f"{FOLDER}/{INPUT}", case.stdin), File(f"{FOLDER}/{ANSWER}", answer), *before]

    def _accepts(self, result: RunResult) -> bool:
        """Whether it ended by being content; only then may the program go on after it."""
        return checked(self.interactor.protocol, result).verdict.passed

    def _heard(self, conversation: Conversation, box: BoxFiles, case: TestCase) -> Talked:
        testlib = self.interactor.protocol is Protocol.TESTLIB
        left = NO_FEEDBACK if testlib else read_feedback(box, keep=self.passes > 1)
        answer = self._answer(conversation, left)
        if not testlib:
            return Talked(conversation, answer)
        content, longer = box.read(f"{FOLDER}/{OUTPUT}", MOST_OUTPUT_BYTES) or (b"", False)
        return Talked(conversation, answer, Written("stdout", content, case.expected.stdout or b"", longer))

    def _answer(self, conversation: Conversation, left: Feedback) -> Answer:
        said = checked(self.interactor.protocol, conversation.interactor, left)
        if said.verdict.passed:
            return Answer(said, kept=left.kept)
        if said.verdict is Verdict.JE:
            said = replace(said, message=said.message.replace("the checker", "the interactor", 1))
            return Answer(said, "checker")
        return Answer(said, "stdout")


def _beside(slot: Slot, own: Limits, programs: Limits) -> Limits:
    """Give the interactor's limits beside the program's, on a host that may be small. Raises SandboxError."""
    limits = slot.held_to(own, programs.memory_bytes)
    if limits.memory_bytes < LEAST_BYTES:
        raise SandboxError(f"{slot.memory_bytes} bytes of memory are too few for a program and its interactor")
    return limits


def _side(case: TestCase, jail: OpenJail, command: Command, limits: Limits) -> Side:
    """The program's side: what it reads is what the interactor says, and its input is the interactor's to know."""

    def ends_well(result: RunResult) -> bool:
        by_itself = result.cause in (Cause.EXIT, Cause.PROCESSES)
        return by_itself and result.exit_code == (case.expected.exit_code or 0)

    return Side(jail, replace(command, stdin=b""), limits, ends_well)


def settled(
    slot: Slot,
    case: TestCase,
    found: TestResult,
    talked: Talked,
    checker: CheckerProgram | None = None,
    *,
    cancel: int | None = None,
) -> Pass:
    """Say what a conversation came to; `found` is what the program's own end did. Raises SandboxError, RunAborted.

    A checker looks at what a testlib interactor left for it, where that was content.
    """
    found = replace(found, interaction=talked.transcript)
    ended_well = found.verdict is not None and found.verdict.passed
    if not (ended_well or talked.decides):
        return Pass(replace(found, message=DEADLOCK) if talked.conversation.deadlock else found)
    ran = judged(case, found, talked.answer)
    if checker is None or talked.output is None or not talked.answer.checked.verdict.passed:
        return ran
    return judged(case, ran.result, checker.judge(slot, case, (talked.output,), cancel=cancel))
