"""problem.yaml of all formats: what kind of problem it is, and what its author says of it."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.packages import constants, yaml_files
from domain.packages.faults import refused
from domain.packages.report import Report
from domain.packages.tree import Tree
from domain.packages.yaml_files import Table, flag, table, text, texts

FILE = "problem.yaml"
LEGACY = frozenset({"legacy", "legacy-icpc"})
INTERACTIVE, MULTI_PASS, SCORING, SUBMIT_ANSWER = "interactive", "multi-pass", "scoring", "submit-answer"
TYPES = frozenset({"pass-fail", INTERACTIVE, MULTI_PASS, SCORING, SUBMIT_ANSWER})

_TOLD = (
    *("author", "credits", "source", "source_url", "license", "rights_owner", "keywords", "uuid", "version"),
    *("embargo_until", "allow_file_writing"),
)
"""Kept as the package says them."""
_READ = frozenset({"problem_format_version", "type", "name", "limits", "languages", "constants", "validation"})
_ELSEWHERE = frozenset({"validator_flags", "grading"})


@dataclass(frozen=True)
class Header:
    """What problem.yaml says."""

    version: str
    types: frozenset[str]
    names: Mapping[str, str] = field(default_factory=dict)
    """By language; `""` where none is said."""
    custom: bool | None = None
    """Whether outputs are judged by a program of the package; None: where it has one."""
    scores: bool = False
    """Whether that program says how much an output is worth."""
    flags: tuple[str, ...] = ()
    limits: Mapping[str, object] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    """Codes; empty: all."""
    constants: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def legacy(self) -> bool:
        """Whether it is of the format before there were versions."""
        return self.version in LEGACY

    @property
    def interactive(self) -> bool:
        """Whether a program of the package talks to the submission."""
        return INTERACTIVE in self.types

    @property
    def multi_pass(self) -> bool:
        """Whether the submission is run again with what the validator left for it."""
        return MULTI_PASS in self.types

    @property
    def scoring(self) -> bool:
        """Whether there are points."""
        return SCORING in self.types


def read(tree: Tree, report: Report) -> Header:
    """Read problem.yaml. Raises InvalidRequest."""
    found = yaml_files.load(tree, FILE)
    version = text(found.get("problem_format_version")) or "legacy"
    types, custom, scores = _kind(found, report)
    if SUBMIT_ANSWER in types:
        raise refused(f"{FILE}: type", "submit-answer problems have no programs to run", "they are not judged here")
    report.skip_keys(FILE, set(found) - _READ - _ELSEWHERE - set(_TOLD))
    if text(table(found.get("grading")).get("objective")) == "min":
        report.skip(f"{FILE}: grading", "that few points are good; more points are more here")
    return Header(
        version,
        types,
        names=_names(found.get("name")),
        custom=custom,
        scores=scores,
        flags=split(found.get("validator_flags"), f"{FILE}: validator_flags"),
        limits=table(found.get("limits")),
        languages=_languages(found.get("languages")),
        constants=constants.read(found.get("constants")),
        metadata={key: yaml_files.plain(found[key]) for key in _TOLD if yaml_files.plain(found.get(key)) is not None},
    )


def split(value: object, where: str) -> tuple[str, ...]:
    """Read arguments: a list of them, or one text as a shell splits it. Raises InvalidRequest for an open quote."""
    if isinstance(value, list):
        return tuple(each if isinstance(each, str) else "" for each in value)
    try:
        return tuple(shlex.split(text(value) or ""))
    except ValueError as error:
        raise refused(where, f"cannot be split into arguments: {error}", "close the quote") from None


def _kind(found: Table, report: Report) -> tuple[frozenset[str], bool | None, bool]:
    """Give types, whether the validator is custom, and whether it scores: of `type`, and of `validation` of old."""
    words = {word for each in texts(found.get("type")) for word in re.split(r"[\s,]+", each) if word}
    if words and not words & TYPES:
        hint = f"write one of {', '.join(sorted(TYPES))}"
        raise refused(f"{FILE}: type", f"{', '.join(sorted(words))} is not judged here", hint)
    report.skip_keys(f"{FILE}: type", words - TYPES)
    validation = found.get("validation")
    told = {word for each in texts(validation) for word in each.split()}
    told |= {key for key, value in table(validation).items() if flag(value)}
    known = {"interactive": INTERACTIVE, "multi-pass": MULTI_PASS, "multipass": MULTI_PASS}
    types = (words & TYPES) | {known[word] for word in told if word in known}
    custom = "custom" in told or (None if not told or isinstance(validation, dict) else False)
    report.skip_keys(f"{FILE}: validation", told - set(known) - {"custom", "default", "score", "scoring"})
    return frozenset(types or {"pass-fail"}), custom, bool(told & {"score", "scoring"})


def _names(value: object) -> dict[str, str]:
    if isinstance(value, dict):
        return {language: name for language, each in table(value).items() if (name := text(each))}
    return {"": found} if (found := text(value)) else {}


def _languages(value: object) -> tuple[str, ...]:
    named = [word for each in texts(value) for word in re.split(r"[\s,]+", each) if word]
    return () if "all" in named else tuple(named)
