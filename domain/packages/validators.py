"""Who judges outputs and inputs: the package's validators as checker, interactor and input validators."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.judging import Checker, CheckerType, Interactor, Program
from domain.packages import programs
from domain.packages.faults import refused
from domain.packages.header import Header
from domain.packages.report import Report
from domain.packages.tree import Tree

OUTPUT = ("output_validator", "output_validators")
INPUT = ("input_validators", "input_format_validators", "input_validator")
_TOLERANCES = {"float_tolerance", "float_relative_tolerance", "float_absolute_tolerance"}
_PLAIN = {"case_sensitive", "space_change_sensitive"}
_TESTLIB = b"testlib.h"


@dataclass(frozen=True)
class Judges:
    """The programs that judge."""

    checker: Checker
    interactor: Interactor | None
    input_validators: tuple[Program, ...]
    named: tuple[str, ...] = ()
    """The names of the input validators."""


def read(tree: Tree, header: Header, report: Report) -> Judges:
    """Read all validators. Raises InvalidRequest where outputs could not be judged as the package says."""
    custom = _custom(tree, header, report)
    inputs = list(_inputs(tree, header, report))
    checker, interactor = Checker(CheckerType.KATTIS), None
    if custom is not None and header.interactive:
        interactor = Interactor(custom)
    elif custom is not None:
        checker = Checker(CheckerType.PROGRAM, program=custom)
    return Judges(checker, interactor, tuple(program for _, program in inputs), tuple(name for name, _ in inputs))


def flags(found: Sequence[str], where: str, judges: Judges, report: Report) -> tuple[str, ...]:
    """Give the arguments for an output's judge: of the built-in one those that it knows."""
    if judges.interactor is not None or judges.checker.program is not None:
        return tuple(found)
    taken: list[str] = []
    waiting = list(found)
    while waiting:
        word = waiting.pop(0)
        if word in _PLAIN:
            taken.append(word)
        elif word in _TOLERANCES and waiting and _is_tolerance(waiting[0]):
            taken.extend((word, waiting.pop(0)))
        else:
            report.skip(where, f"{word!r} is no flag of the default validator")
    return tuple(taken)


def _is_tolerance(word: str) -> bool:
    try:
        return 0 <= float(word) < float("inf")
    except ValueError:
        return False


def folder_of(tree: Tree, names: Sequence[str]) -> str | None:
    """Give the first of these folders that is there and has something in it."""
    return next((name for name in names if tree.is_folder(name)), None)


def _custom(tree: Tree, header: Header, report: Report) -> Program | None:
    wanted = header.custom or header.interactive or header.multi_pass
    names = tuple(reversed(OUTPUT)) if header.legacy else OUTPUT
    folder = folder_of(tree, names)
    found = programs.only(tree, folder) if folder else []
    if header.legacy and not wanted:
        if found and folder:
            report.skip(folder, "problem.yaml says that outputs are validated by the default validator")
        return None
    if header.custom is False and not wanted and found and folder:
        report.note(folder, "outputs are judged by it, though problem.yaml says `validation: default`")
    if len(found) > 1:
        raise refused(f"{folder}", f"has {len(found)} programs: {', '.join(found[:5])}", "one of them can judge")
    if not found and wanted:
        hint = "add the program, or `validation: default` to problem.yaml"
        raise refused(folder or names[0], "has no program, and problem.yaml says that there is one", hint)
    return _judge(tree, found[0], header, report) if found else None


def _judge(tree: Tree, path: str, header: Header, report: Report) -> Program:
    try:
        program = programs.read(tree, path, header.constants, report)
    except programs.Unclear as error:
        hint = "no script of a package is run: name the sources of one language, with a clear start"
        raise refused(path, f"cannot judge outputs: {error}", hint) from None
    if any(_TESTLIB in file.content for file in program.sources if not file.path.endswith(_TESTLIB.decode())):
        message = "it includes testlib.h: like every validator of a package it must end with 42 or 43"
        report.note(path, f"{message}; a checker with testlib's own exit codes is sent as JSON")
    return program


def _inputs(tree: Tree, header: Header, report: Report) -> list[tuple[str, Program]]:
    folder = folder_of(tree, INPUT)
    found: list[tuple[str, Program]] = []
    for path in programs.only(tree, folder) if folder and _has_scripts(tree, folder) else _listed(tree, folder):
        if (kind := programs.unrun(path)) is not None:
            report.skip(path, f"nobody here runs {kind}")
            continue
        try:
            found.append((path.rpartition("/")[2], programs.read(tree, path, header.constants, report)))
        except programs.Unclear as error:
            report.skip(path, f"inputs are not checked by it: {error}")
    if not found:
        report.note(folder or INPUT[0], "no program checks the inputs")
    return found


def _listed(tree: Tree, folder: str | None) -> list[str]:
    return programs.listed(tree, folder) if folder else []


def _has_scripts(tree: Tree, folder: str) -> bool:
    return any(name in {programs.BUILD, programs.RUN} for name in tree.names(folder))
