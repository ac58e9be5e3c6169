"""What a scoring problem's test data is worth: groups and points, of 2023-07 and of the format before.

A pass-fail problem has neither: its test cases are all there is to pass. Groups are named by their folder below `data`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from domain.judging import Aggregation, TestGroup
from domain.packages import data, yaml_files
from domain.packages.cases import Worth
from domain.packages.data import Case, Folder
from domain.packages.faults import refused
from domain.packages.header import Header
from domain.packages.report import Report
from domain.packages.yaml_files import Table, table, text, texts

WHOLE_POINTS = 100.0
"""What the secret group is worth where nobody says (2023-07)."""
UNBOUNDED = "unbounded"
_KEYS = {
    *("scoring", "input_validator_args", "output_validator_args", "full_feedback", "hint", "description", "args"),
    *("input_visualizer_args", "output_visualizer_args", "static_validation"),
    *("input_validator_flags", "output_validator_flags", "on_reject", "grading", "grader_flags"),
    *("accept_score", "reject_score", "range"),
    *("max_score", "score_aggregation", "require_pass", "static_validation_score", "static_validator_args"),
}
_LATER = {"max_score": "score", "score_aggregation": "aggregation", "require_pass": "require_pass"}
"""Words of 2025-09 for those below `scoring` in 2023-07."""
_LENIENT = {"always_accept", "accept_if_any_accepted"}
_MODES = {"sum", "avg", "min", "max"}
_VERDICT_MODES = {"worst_error", "first_error", "ignore_sample"}


@dataclass
class Scoring:
    """Groups, outer ones first, and what test cases are worth."""

    groups: list[TestGroup] = field(default_factory=list)
    worths: dict[str, Worth] = field(default_factory=dict)


def read(root: Folder, header: Header, report: Report) -> Scoring:
    """Read what everything is worth. Raises InvalidRequest for points that contradict each other."""
    for folder in _folders(root):
        path = f"{data.ROOT}/{folder.name}".rstrip("/")
        report.skip_keys(path, set(folder.settings) - _KEYS)
        static = {"static_validation", "static_validation_score"} & set(folder.settings)
        if static and yaml_files.flag(folder.settings.get("static_validation")) is not False:
            report.skip(f"{path}: static_validation", "sources are not validated by programs of a package")
        if text(folder.settings.get("grading")) == "custom":
            report.skip(f"{path}: grading", "graders of a package are not run: groups are scored by the default one")
    if not header.scoring:
        return Scoring()
    found = Scoring()
    if _is_legacy(root, header):
        _Legacy(header, report, found).whole(root)
    else:
        _Current(report, found).whole(root)
    return found


def _is_legacy(root: Folder, header: Header) -> bool:
    """Whether points are said in the old words: drafts of 2023-07 have files of either name with words of either."""
    said = {key for folder in _folders(root) for key in folder.settings}
    return not said & {"scoring", *_LATER} and (header.legacy or bool(said & {"accept_score", "grader_flags", "range"}))


def _scoring(folder: Folder) -> Table:
    """Give what a group says of points, in the words of 2023-07."""
    later = {ours: folder.settings[name] for name, ours in _LATER.items() if name in folder.settings}
    return {**later, **table(folder.settings.get("scoring"))}


def _folders(folder: Folder) -> Iterator[Folder]:
    yield folder
    for member in folder.members:
        if isinstance(member, Folder):
            yield from _folders(member)


@dataclass(frozen=True)
class _Current:
    """2023-07: each group says how much it is worth, or has its share of what its group is worth."""

    report: Report
    found: Scoring

    def whole(self, root: Folder) -> None:
        for folder in root.members:
            if isinstance(folder, Folder) and folder.name == data.SAMPLE:
                self._unscored(folder, None)
            elif isinstance(folder, Folder):
                self._group(folder, None, self._said(folder, WHOLE_POINTS), Aggregation.SUM)

    def _unscored(self, folder: Folder, parent: str | None) -> None:
        self.found.groups.append(TestGroup(folder.name, parent, Aggregation.ALL_OR_NOTHING, 0.0))
        for member in folder.members:
            if isinstance(member, Case):
                self.found.worths[member.name] = Worth(folder.name)
            else:
                self._unscored(member, folder.name)

    def _group(self, folder: Folder, parent: str | None, points: float | None, usual: Aggregation) -> None:
        aggregation = self._aggregation(folder, usual)
        self.found.groups.append(
            TestGroup(
                folder.name,
                parent,
                aggregation,
                points,
                requires=self._requires(folder),
                stop_on_first_failure=aggregation is Aggregation.ALL_OR_NOTHING,
            )
        )
        shares = self._shares(folder, points, aggregation)
        for member, share in zip(folder.members, shares, strict=True):
            if isinstance(member, Case):
                self.found.worths[member.name] = Worth(folder.name, share)
            else:
                self._group(member, folder.name, share, Aggregation.ALL_OR_NOTHING)

    def _shares(self, folder: Folder, points: float | None, aggregation: Aggregation) -> list[float | None]:
        """Say what each member is worth: as it says, or what is left, evenly."""
        if aggregation is Aggregation.ALL_OR_NOTHING:
            return [None for _ in folder.members]
        said = [self._said(one, None) if isinstance(one, Folder) else None for one in folder.members]
        if points is None or aggregation is Aggregation.MIN:
            return [points if each is None else each for each in said]
        told = sum(each for each in said if each is not None)
        silent = [each for each in said if each is None]
        if told > points + 1e-9:
            where = f"{data.ROOT}/{folder.name}: scoring.score"
            raise refused(where, f"is {points:g}, and its groups are worth {told:g}", "make the whole the sum")
        share = (points - told) / len(silent) if silent else 0.0
        return [share if each is None else each for each in said]

    def _said(self, folder: Folder, usual: float | None) -> float | None:
        said = _scoring(folder).get("score")
        if text(said) == UNBOUNDED:
            return None
        points = yaml_files.number(said, f"{data.ROOT}/{folder.name}: scoring.score")
        if points is not None and points < 0:
            raise refused(f"{data.ROOT}/{folder.name}: scoring.score", "is negative", "write 0 or more")
        return usual if points is None else points

    def _aggregation(self, folder: Folder, usual: Aggregation) -> Aggregation:
        said = text(_scoring(folder).get("aggregation"))
        if said is not None and said not in set(Aggregation):
            self.report.skip(
                f"{data.ROOT}/{folder.name}: scoring.aggregation", f"{said!r} is none of {', '.join(Aggregation)}"
            )
            return usual
        return usual if said is None else Aggregation(said)

    def _requires(self, folder: Folder) -> tuple[str, ...]:
        known = {group.name for group in self.found.groups}
        named: list[str] = []
        for each in texts(_scoring(folder).get("require_pass")):
            if each in known:
                named.append(each)
            else:
                where = f"{data.ROOT}/{folder.name}: scoring.require_pass"
                self.report.skip(where, f"{each!r} is no group that comes before it")
        return tuple(named)


@dataclass(frozen=True)
class _Legacy:
    """The format before: graders with flags, and what an accepted test case scores."""

    header: Header
    report: Report
    found: Scoring

    def whole(self, root: Folder) -> None:
        ignored = "ignore_sample" in self._flags(root)
        self._flag_notes(root)
        for member in root.members:
            if isinstance(member, Folder):
                self._group(member, None, unscored=ignored and member.name == data.SAMPLE)

    def _group(self, folder: Folder, parent: str | None, *, unscored: bool = False) -> float | None:
        """Add a group with all in it; gives the most that it earns, None where nobody knows."""
        flags, place = self._flags(folder), len(self.found.groups)
        self._flag_notes(folder)
        mode = next((flag for flag in reversed(flags) if flag in _MODES), "sum")
        strict = not _LENIENT & set(flags)
        accepted = 0.0 if unscored else self._number(folder, "accept_score", 1.0)
        self.found.groups.append(TestGroup(folder.name, parent))
        inner = [self._group(one, folder.name, unscored=unscored) for one in folder.members if isinstance(one, Folder)]
        cases = [member for member in folder.members if isinstance(member, Case)]
        most = self._most(folder, mode, [*inner, *(None if self.header.scores else accepted for _ in cases)])
        aggregation = self._aggregation(mode, strict=strict and not self.header.scores)
        if unscored or (accepted == 0.0 and not inner):
            aggregation, most = Aggregation.ALL_OR_NOTHING, 0.0
        each = self._each(aggregation, accepted, mode, len(cases) + len(inner))
        for case in cases:
            self.found.worths[case.name] = Worth(folder.name, each)
        stops = text(folder.settings.get("on_reject")) != "continue"
        self.found.groups[place] = TestGroup(folder.name, parent, aggregation, most, stop_on_first_failure=stops)
        return most

    def _each(self, aggregation: Aggregation, accepted: float, mode: str, count: int) -> float | None:
        if aggregation is Aggregation.ALL_OR_NOTHING or self.header.scores:
            return None
        return accepted / count if mode == "avg" else accepted

    def _aggregation(self, mode: str, *, strict: bool) -> Aggregation:
        if strict:
            return Aggregation.ALL_OR_NOTHING
        return Aggregation.MIN if mode == "min" else Aggregation.SUM

    def _most(self, folder: Folder, mode: str, members: Sequence[float | None]) -> float | None:
        known = [each for each in members if each is not None]
        most: float | None = None
        if known and len(known) == len(members):
            most = {"sum": sum(known), "min": min(known), "max": max(known), "avg": sum(known) / len(known)}[mode]
        highest = self._highest(folder)
        return highest if most is None else most if highest is None else min(most, highest)

    def _highest(self, folder: Folder) -> float | None:
        """Give the upper end of what it may score; None where that is no number, or infinite."""
        words = (text(folder.settings.get("range")) or "").split()
        if len(words) != 2 or "inf" in words[1]:
            return None
        found = yaml_files.number(words[1], f"{data.ROOT}/{folder.name}: range")
        return None if found is None or found < 0 else found

    def _flag_notes(self, folder: Folder) -> None:
        where, flags = f"{data.ROOT}/{folder.name}: grader_flags".replace("/:", ":"), set(self._flags(folder))
        if unknown := flags - _MODES - _LENIENT - _VERDICT_MODES:
            self.report.skip(where, f"unknown flags {', '.join(sorted(unknown))}")
        if "max" in flags and _LENIENT & flags and len(folder.members) > 1:
            self.report.skip(where, "no group earns the most of its members: it is their sum, up to its range")
        if self._number(folder, "reject_score", 0.0):
            self.report.skip(where.replace("grader_flags", "reject_score"), "what is not accepted scores 0")

    def _flags(self, folder: Folder) -> list[str]:
        return (text(folder.settings.get("grader_flags")) or "").split()

    def _number(self, folder: Folder, key: str, usual: float) -> float:
        found = yaml_files.number(folder.settings.get(key), f"{data.ROOT}/{folder.name}: {key}")
        return usual if found is None else found
