"""Turn a claimed submission into what the jails need (no I/O): language, command lines, files, limits.

This is where the domain's constraints (megabytes, milliseconds) become the sandbox's limits.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from domain import placeholders, source_trees
from domain.language import Choice, CompileStep, Language, Preparation, Step
from domain.languages import Languages
from domain.limits import Constraints
from domain.model import File, Submission, TestCase
from sandbox import Command, Limits
from workers.calling import beside, compiled_with
from workers.suites import interactor_of_suite

KIB = 1024
MIB = 1024 * 1024
PAGE = 4096
MAX_SEED = 2**32 - 1
"""Of PYTHONHASHSEED; 0 would switch the randomisation off."""
PYTHON = "/usr/bin/python3"
"""What runs a builder of tests and program: the system's, as everything in a jail."""
PREPARED_DIR = "/opt/prepared"
"""Where a compile jail shows what was prepared for its compiler."""


@dataclass(frozen=True)
class Plan:
    """How one submission is compiled and run."""

    submission: Submission
    choice: Choice
    entry: str | None
    seed: int | None = None
    """Of the interpreter's hashes, one for all test cases that are not run in an interpreter started ahead."""
    seeds: Mapping[int, int] = field(default_factory=dict)
    """Those to be had again, by test case: no interpreter was started ahead with them."""

    @property
    def language(self) -> Language:
        """The language, without its version."""
        return self.choice.language

    @property
    def values(self) -> dict[str, str]:
        """What the single placeholders stand for."""
        constraints = self.submission.constraints
        known = {"memory_mb": str(constraints.memory_mb), "cpus": str(constraints.slots)}
        return {**known, "entry": self.entry} if self.entry is not None else known

    def compile_command(self, *, prepared: bool = False) -> Command | None:
        """Give the compiler's command line, with what was prepared or without; None where the language has none."""
        sources = self.submission.sources
        step = source_trees.compile_step(self.language, sources)
        if step is None:
            return None
        values, flags = self.values, []
        if prepared and self.preparation is not None:
            values = {**values, "prepared_dir": PREPARED_DIR}
            flags = placeholders.expand(self.preparation.flags, {}, values)
            step = replace(step, env={**step.env, **self.preparation.env})
        lists = {"flags": self.choice.flags, "sources": self._compiled_names(), "arguments": (), "prepared": flags}
        build = compiled_with(self.language, self.submission)
        if build:
            step = replace(step, argv=(PYTHON, f"./{build[0].path}", self.entry or "", *self.choice.flags))
        return self._command(step, lists, values)

    @property
    def compiled_files(self) -> Sequence[File]:
        """What lies in the compiler's box: the sources, and tests that are compiled with them."""
        return box_files(self.submission.sources, compiled_with(self.language, self.submission))

    @property
    def preparation(self) -> Preparation | None:
        """What may be made beforehand for this language's compiler."""
        return self.language.compile.prepared if self.language.compile is not None else None

    @property
    def suits_prepared(self) -> bool:
        """Whether what was prepared means the same to these sources as what it stands for."""
        if self.preparation is None:
            return False
        begins = re.compile(self.preparation.begins_with.encode())
        names = {name.removeprefix("./") for name in self._compiled_names()}
        return all(begins.match(file.content) for file in self.submission.sources if file.path in names)

    def _compiled_names(self) -> list[str]:
        return source_trees.compiler_sources(self.language, self.submission.sources, self.entry)

    def run_command(self, case: TestCase, main_class: str | None) -> Command:
        """Give the program's command line for one test case."""
        lists = {"flags": self.choice.flags, "arguments": self._arguments(case)}
        step = self._suite_step or self.language.run
        return self._command(step, lists, self._run_values(main_class), case.stdin, self._seed(case))

    @property
    def _suite_step(self) -> Step | None:
        suites = self.language.suites
        return suites.run if self.submission.suite is not None and suites is not None else None

    def _seed(self, case: TestCase) -> int | None:
        return self.seeds.get(case.ordinal) if self.language.run.interpreter is not None else None

    def _arguments(self, case: TestCase) -> tuple[str, ...]:
        return (*self.submission.arguments, *case.arguments)

    def _run_values(self, main_class: str | None) -> dict[str, str]:
        if main_class is None:
            called = beside(self.language, self.submission, self.entry)
            return {**self.values, "entry": called[0].path} if called else self.values
        return {**self.values, "main_class": main_class, "main_class_path": main_class.replace(".", "/")}

    def held_at(self, case: TestCase, main_class: str | None, files: Sequence[File]) -> str | None:
        """Give the file that the program may have been started ahead to; None where it is to be started plainly."""
        ahead = self.language.run.ahead
        if ahead is None or self._suite_step is not None or self._arguments(case):
            return None
        (path,) = placeholders.expand((ahead.file,), {}, self._run_values(main_class))
        return path if ahead.suits(files, path) else None

    def files(self, compiled: Sequence[File], case: TestCase) -> list[File]:
        """Give what lies in the box of one test case: what was compiled, the case's own, and what we put there."""
        return box_files(box_files(compiled, case.files), beside(self.language, self.submission, self.entry))

    def _command(
        self,
        step: Step,
        lists: Mapping[str, Sequence[str]],
        values: Mapping[str, str],
        stdin: bytes = b"",
        seed: int | None = None,
    ) -> Command:
        environment = placeholders.environment(step.env, values)
        if step.interpreter is None or seed is not None:
            argv = tuple(placeholders.expand(step.argv, lists, values))
            return Command(argv, step.seccomp, environment, stdin, seed=seed)
        ahead, own = (placeholders.expand(part, lists, values) for part in (step.argv[:-1], step.argv[-1:]))
        return Command(
            tuple(ahead),
            step.seccomp,
            environment,
            stdin,
            arguments=tuple(own),
            interpreter=step.interpreter,
            seed=self.seed,
        )


def plan(known: Languages, submission: Submission, seeds: Mapping[int, int] | None = None) -> Plan:
    """Look the language up; `seeds` are to be had again. Raises InvalidRequest for one that is not known (any more)."""
    choice = known.choose(submission.language)
    entry = source_trees.entry_point(choice.language, submission.sources, submission.entry_point)
    if submission.suite is not None:
        submission = replace(submission, interactor=interactor_of_suite(choice.language, submission.suite))
    return Plan(submission, choice, entry, 1 + secrets.randbelow(MAX_SEED), seeds or {})


def run_limits(constraints: Constraints, case: TestCase, language: Language) -> Limits:
    """What one test case may spend; its runtime's own threads do not count against `processes`."""
    timeout_ms = case.timeout_ms if case.timeout_ms is not None else constraints.timeout_ms
    return Limits(
        cpu_time_ms=timeout_ms,
        wall_time_ms=constraints.wall_limit_ms(timeout_ms),
        memory_bytes=constraints.memory_mb * MIB,
        output_bytes=constraints.output_kb * KIB,
        file_bytes=file_limit_bytes(constraints),
        processes=constraints.processes + language.extra_processes,
        cpu_millicores=constraints.cpu_millicores,
    )


def file_limit_bytes(constraints: Constraints) -> int:
    """How large one file may become: `output_kb` where the request names it, else what the box holds."""
    if constraints.file_kb is not None:
        return constraints.file_kb * KIB
    return constraints.disk_limit_mb * MIB


def compile_limits(step: CompileStep) -> Limits:
    """What a compiler may spend: fixed by the language, not by the submission."""
    return Limits(
        cpu_time_ms=step.cpu_time_ms,
        wall_time_ms=step.wall_time_ms,
        memory_bytes=step.memory_mb * MIB,
        output_bytes=step.output_kb * KIB,
        file_bytes=step.disk_mb * MIB,
        processes=step.processes,
    )


def box_files(base: Sequence[File], own: Sequence[File]) -> list[File]:
    """What lies in the box of one test case: sources or artifact, and over them the case's own files.

    A file of the case takes the place of one of the same name, and of one whose folder it would have to be.
    """
    paths = {file.path for file in own}
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return [
        *(
            file
            for file in base
            if file.path not in paths
            and file.path not in folders
            and paths.isdisjoint(map(str, PurePosixPath(file.path).parents))
        ),
        *own,
    ]


def disk_bytes(disk_mb: int, files: Sequence[File]) -> int:
    """How large a box must be, so that the program has `disk_mb` for itself beside what was put there."""
    return disk_mb * MIB + sum(-(-len(file.content) // PAGE) * PAGE + PAGE for file in files)
