"""`shipd.json`: what a package of ours says beyond the format, and only where it differs from what the format says."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace

import msgspec

from domain.groups import faults, ordered
from domain.judging import CheckerType, Interactor, Program, Protocol, TestGroup
from domain.limits import MAX_TEST_GROUPS, Constraints, Ranges
from domain.packages.faults import refused
from domain.packages.report import Report
from domain.packages.tree import Tree
from domain.problem import Example, ProblemCase, ProblemVersion
from domain.verdict import Verdict

FILE = "shipd.json"


@dataclass(frozen=True)
class CaseExtras:
    """Of one test case."""

    name: str
    is_hidden: bool
    points: float | None = None
    group: str | None = None
    timeout_ms: int | None = None
    expected_exit_code: int | None = None
    answered: bool = True
    """Whether there is an expected output."""


@dataclass(frozen=True)
class ProgramExtras:
    """Of one program."""

    language: str
    entry_point: str | None = None


@dataclass(frozen=True)
class JudgeExtras:
    """Of the checker, or the interactor."""

    type: CheckerType = CheckerType.TOKENS
    tolerance: float = 1e-6
    protocol: Protocol = Protocol.KATTIS
    arguments: tuple[str, ...] = ()
    program: ProgramExtras | None = None


@dataclass(frozen=True)
class ExampleExtras:
    """Of one example submission."""

    program: ProgramExtras
    expected: tuple[Verdict, ...] = ()
    points: tuple[float, float] | None = None


@dataclass(frozen=True)
class Extras:
    """All of it; what is None is as the format says."""

    title: str | None = None
    constraints: Mapping[str, int | bool | None] | None = None
    language_constraints: Mapping[str, Mapping[str, int]] | None = None
    checker: JudgeExtras | None = None
    interactor: JudgeExtras | None = None
    passes: int | None = None
    groups: tuple[TestGroup, ...] | None = None
    languages: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    stop_on_first_failure: bool | None = None
    metadata: Mapping[str, object] | None = None
    cases: Mapping[str, CaseExtras] = field(default_factory=dict)
    """By their place below `data`."""
    input_validators: tuple[ProgramExtras, ...] | None = None
    examples: Mapping[str, ExampleExtras] = field(default_factory=dict)


def differences(read: ProblemVersion, wanted: ProblemVersion, names: Sequence[str]) -> bytes:
    """Write what `wanted` has otherwise than what the format alone says; empty where that is nothing.

    `names` are the places of its test cases.
    """
    before = _extras(read, [case.name for case in read.test_cases])
    after = _extras(wanted, names)
    changed = {
        one.name: getattr(after, one.name)
        for one in fields(Extras)
        if getattr(before, one.name) != getattr(after, one.name)
    }
    for name in ("cases", "examples"):
        if name in changed:
            known = getattr(before, name)
            changed[name] = {key: value for key, value in changed[name].items() if known.get(key) != value}
    return msgspec.json.format(msgspec.json.encode(changed), indent=2) if changed else b""


def apply(tree: Tree, version: ProblemVersion, ranges: Ranges, report: Report) -> ProblemVersion:
    """Lay what the file says over what the format says. Raises InvalidRequest for what it cannot say."""
    if FILE not in tree:
        return version
    if not _fit(tree.read(FILE)):
        raise refused(FILE, "has a NUL or a lone surrogate in a text", "leave it out")
    try:
        said = msgspec.json.decode(tree.read(FILE), type=Extras, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise refused(FILE, f"is none that this release wrote: {error}", "leave it out, or export again") from None
    changed = {
        name: value
        for name in ("title", "language_constraints", "languages", "outputs", "stop_on_first_failure", "metadata")
        if (value := getattr(said, name)) is not None
    }
    version = replace(version, **changed, constraints=_constraints(version.constraints, said, ranges, report))
    return _judged(_with_examples(_with_cases(version, said), said), said)


def _fit(data: bytes) -> bool:
    """Whether no text in it would be one that no row can hold, written as it is or as an escape."""
    text = data.decode(errors="replace").lower()
    return "\\u0000" not in text and "\\ud" not in text


def _extras(version: ProblemVersion, names: Sequence[str]) -> Extras:
    judging, checker = version.judging, version.checker
    interactor = judging.interactor
    return Extras(
        title=version.title,
        constraints={key: value for key, value in asdict(version.constraints).items() if key != "network_rules"},
        language_constraints={name: dict(said) for name, said in version.language_constraints.items()},
        checker=JudgeExtras(
            checker.type, checker.tolerance, checker.protocol, checker.arguments, _program(checker.program)
        ),
        interactor=None
        if interactor is None
        else JudgeExtras(
            protocol=interactor.protocol, arguments=interactor.arguments, program=_program(interactor.program)
        ),
        passes=judging.passes,
        groups=judging.groups,
        languages=version.languages,
        outputs=version.outputs,
        stop_on_first_failure=version.stop_on_first_failure,
        metadata=dict(version.metadata),
        cases={name: _of_case(case) for name, case in zip(names, version.test_cases, strict=True)},
        input_validators=tuple(ProgramExtras(one.language, one.entry_point) for one in version.input_validators),
        examples={one.path: _of_example(one) for one in version.examples},
    )


def _program(program: Program | None) -> ProgramExtras | None:
    return None if program is None else ProgramExtras(program.language, program.entry_point)


def _of_case(case: ProblemCase) -> CaseExtras:
    return CaseExtras(
        case.name,
        case.is_hidden,
        case.points,
        case.group,
        case.timeout_ms,
        case.expected_exit_code,
        case.expected_stdout is not None,
    )


def _of_example(example: Example) -> ExampleExtras:
    program = ProgramExtras(example.program.language, example.program.entry_point)
    return ExampleExtras(program, example.expected, example.points)


def _constraints(usual: Constraints, said: Extras, ranges: Ranges, report: Report) -> Constraints:
    if said.constraints is None:
        return usual
    known = {one.name for one in fields(Constraints)} - {"network_rules"}
    report.skip_keys(f"{FILE}: constraints", set(said.constraints) - known)
    taken = {key: value for key, value in said.constraints.items() if key in known}
    if taken.pop("network_enabled", False):
        report.skip(f"{FILE}: constraints.network_enabled", "a package grants no network")
    for name, allowed in ranges.items():
        value = taken.get(name)
        if value is not None and not allowed.floor <= value <= allowed.ceiling:
            raise refused(f"{FILE}: constraints.{name}", f"is {value}", f"use {allowed.floor} to {allowed.ceiling}")
    return replace(usual, **taken)  # type: ignore[arg-type] # of the dataclass's own fields


def _with_cases(version: ProblemVersion, said: Extras) -> ProblemVersion:
    arguments = dict(version.validator_arguments)
    cases: list[ProblemCase] = []
    for case in version.test_cases:
        own = said.cases.get(case.name)
        cases.append(case if own is None else _laid_over(case, own))
        if own is not None and case.name in arguments:
            arguments[own.name] = arguments.pop(case.name)
    return replace(version, test_cases=tuple(cases), validator_arguments=arguments)


def _laid_over(case: ProblemCase, own: CaseExtras) -> ProblemCase:
    return replace(
        case,
        name=own.name,
        is_hidden=own.is_hidden,
        points=own.points,
        group=own.group,
        timeout_ms=own.timeout_ms,
        expected_exit_code=own.expected_exit_code,
        expected_stdout=case.expected_stdout if own.answered else None,
    )


def _with_examples(version: ProblemVersion, said: Extras) -> ProblemVersion:
    found = tuple(
        one
        if (own := said.examples.get(one.path)) is None
        else Example(one.path, _as(one.program, own.program), own.expected, own.points)
        for one in version.examples
    )
    return replace(version, examples=found)


def _judged(version: ProblemVersion, said: Extras) -> ProblemVersion:
    checker, judging = version.checker, version.judging
    if (own := said.checker) is not None:
        program = None if checker.program is None or own.program is None else _as(checker.program, own.program)
        if own.type is CheckerType.PROGRAM and program is None:
            raise refused(f"{FILE}: checker", "is a program, and output_validator has none", "add it")
        checker = replace(
            checker,
            type=own.type,
            tolerance=own.tolerance,
            protocol=own.protocol,
            arguments=own.arguments,
            program=program,
        )
    groups = judging.groups if said.groups is None else _groups(said.groups, version.test_cases)
    judging = replace(
        judging,
        program=checker.program,
        protocol=checker.protocol,
        arguments=checker.arguments,
        interactor=_interactor(judging.interactor, said.interactor),
        passes=judging.passes if said.passes is None else said.passes,
        groups=groups,
    )
    validators = version.input_validators
    if said.input_validators is not None and len(said.input_validators) == len(validators):
        validators = tuple(_as(one, own) for one, own in zip(validators, said.input_validators, strict=True))
    return replace(version, checker=checker, judging=judging, input_validators=validators)


def _groups(said: Sequence[TestGroup], cases: Sequence[ProblemCase]) -> tuple[TestGroup, ...]:
    """Give groups with outer ones first. Raises InvalidRequest for those that do not hang together."""
    if len(said) > MAX_TEST_GROUPS:
        raise refused(f"{FILE}: groups", f"are {len(said)}, above the ceiling of {MAX_TEST_GROUPS}", "use fewer")
    for fault in faults(said, cases, may_be_empty=True):
        raise refused(f"{FILE}: groups[{fault.index}].{fault.field}", fault.message, fault.hint)
    return ordered(said)


def _interactor(usual: Interactor | None, own: JudgeExtras | None) -> Interactor | None:
    if usual is None or own is None or own.program is None:
        return usual
    return Interactor(_as(usual.program, own.program), own.protocol, own.arguments)


def _as(program: Program, own: ProgramExtras) -> Program:
    return replace(program, language=own.language, entry_point=own.entry_point)
