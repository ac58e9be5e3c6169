"""Test cases of a package as those of a problem: inputs and answers kept by stream, arguments, what is hidden."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.blobs import BlobStore
from domain.packages import data, keeping, validators, yaml_files
from domain.packages.data import Case, Folder
from domain.packages.faults import refused
from domain.packages.header import FILE, Header, split
from domain.packages.report import Report
from domain.packages.tree import Tree
from domain.packages.validators import Judges
from domain.packages.yaml_files import Table
from domain.payload import Payload
from domain.problem import Document, ProblemCase

MAX_DESCRIPTION_CHARS = 4000
_KEYS = {
    *("args", "input_files", "output_validator_args", "input_validator_args", "full_feedback", "hint", "description"),
    *("input_visualizer_args", "output_visualizer_args", "name"),
}
_ANSWERS = (".ans", ".out")


@dataclass(frozen=True)
class Worth:
    """What scoring says of a test case."""

    group: str | None = None
    points: float | None = None


@dataclass(frozen=True)
class Reader:
    """Reads the test cases of one package."""

    tree: Tree
    header: Header
    judges: Judges
    blobs: BlobStore
    report: Report

    def read(self, root: Folder, worths: dict[str, Worth]) -> tuple[ProblemCase, ...]:
        """Make all test cases, in order. Raises InvalidRequest, OSError."""
        found = self._cases(root, [])
        return tuple(self._case(number, case, chain, worths) for number, (case, chain) in enumerate(found))

    def validator_arguments(self, root: Folder) -> dict[str, tuple[str, ...]]:
        """Give what input validators are told of each test case, of those that they are told something of."""
        if not self.judges.input_validators:
            return {}
        told = {case.name: self._of_validators(case, chain) for case, chain in self._cases(root, [])}
        return {name: arguments for name, arguments in told.items() if arguments}

    def _cases(self, folder: Folder, above: Sequence[Table]) -> Iterator[tuple[Case, list[Table]]]:
        chain = [*above, folder.settings]
        for member in folder.members:
            if isinstance(member, Case):
                yield member, [*chain, member.settings]
            else:
                yield from self._cases(member, chain)

    def _case(self, ordinal: int, case: Case, chain: Sequence[Table], worths: dict[str, Worth]) -> ProblemCase:
        path, said = f"{data.ROOT}/{case.name}", case.settings
        self.report.skip_keys(f"{path}.yaml", set(said) - _KEYS)
        sample = case.name.startswith(f"{data.SAMPLE}/")
        if not sample and yaml_files.flag(data.inherited(chain, "full_feedback")):
            self.report.skip(f"{path}: full_feedback", "secret test data is shown to nobody")
        worth = worths.get(case.name, Worth())
        return ProblemCase(
            ordinal,
            case.name,
            keeping.payload(self.tree.entry(f"{path}.in"), self.blobs),
            self._answer(path),
            files=self._files(f"{path}.files"),
            expected_files=self._files(f"{path}{data.EXPECTED}"),
            arguments=split(data.inherited(chain, "args"), f"{path}: args"),
            checker_arguments=self._of_judge(path, chain),
            # What an interactor is given says what the program is to find out.
            is_hidden=not sample or self.header.interactive,
            points=worth.points,
            group=worth.group,
            description=(yaml_files.text(said.get("description")) or "").strip()[:MAX_DESCRIPTION_CHARS],
        )

    def _answer(self, path: str) -> Payload:
        for suffix in _ANSWERS:
            if f"{path}{suffix}" in self.tree:
                return keeping.payload(self.tree.entry(f"{path}{suffix}"), self.blobs)
        if self.judges.interactor is None and self.judges.checker.program is None:
            raise refused(f"{path}.ans", "is missing", "the default validator compares outputs with it: add it")
        self.report.note(f"{path}.ans", "is not there: its validator is given an empty one")
        return Payload(inline=b"")

    def _files(self, folder: str) -> tuple[Document, ...]:
        return tuple(
            keeping.document(one, one.path.removeprefix(f"{folder}/"), self.blobs) for one in self.tree.under(folder)
        )

    def _of_judge(self, path: str, chain: Sequence[Table]) -> tuple[str, ...]:
        key, said = _arguments(chain, "output_validator")
        own = split(_flags(said), f"{path}: {key}")
        where = f"{FILE}: validator_flags" if not own else f"{data.ROOT}: {key}"
        return validators.flags([*self.header.flags, *own], where, self.judges, self.report)

    def _of_validators(self, case: Case, chain: Sequence[Table]) -> tuple[str, ...]:
        key, said = _arguments(chain, "input_validator")
        if isinstance(said, dict) and not {"name", "flags"} >= set(said):
            named = [said[name] for name in (*self.judges.named, *map(_stem, self.judges.named)) if name in said]
            if len(self.judges.named) > 1:
                self.report.skip(f"{data.ROOT}: {key}", "each validator is given the same arguments")
            said = named[0] if named and len(self.judges.named) == 1 else None
        return split(_flags(said), f"{data.ROOT}/{case.name}: {key}")


def _arguments(chain: Sequence[Table], of: str) -> tuple[str, object]:
    """Give what a validator is told, and under which key: that of 2023-07 first, then that of the legacy format."""
    key, legacy = f"{of}_args", f"{of}_flags"
    said = data.inherited(chain, key)
    return (key, said) if said is not None else (legacy, data.inherited(chain, legacy))


def _flags(said: object) -> object:
    return said.get("flags") if isinstance(said, dict) else said


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
