"""The test data of a package: folders, the test cases in them in order, and what their YAML files say.

Within a folder test cases and folders are taken in the order of their names; `sample` comes before `secret`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from domain.packages import constants, yaml_files
from domain.packages.faults import refused
from domain.packages.header import Header
from domain.packages.report import Report
from domain.packages.tree import Tree
from domain.packages.yaml_files import Table

ROOT = "data"
SAMPLE, SECRET = "sample", "secret"
SETTINGS = ("test_group.yaml", "testdata.yaml")
EXPECTED = ".expected"
"""A folder of ours beside a test case: files that the program must write."""
MAX_DEPTH = 8
_VALIDATED = ("invalid_input", "invalid_inputs", "invalid_output", "valid_output", "invalid_answer", "bad")
_OF_CASES = {".in", ".ans", ".out", ".files", ".args", ".yaml", ".hint", ".desc", ".md", ".interaction", EXPECTED}
_PICTURES = {".png", ".jpg", ".jpeg", ".svg"}
_SHOWN = {".statement", ".download"}


@dataclass(frozen=True)
class Case:
    """A test case: its path below `data` without suffix, and what its own files say."""

    name: str
    settings: Table


@dataclass(frozen=True)
class Folder:
    """A folder of test data: its path below `data` (`""` for that itself), and what is in it, in order."""

    name: str
    settings: Table = field(default_factory=dict)
    """What its own file says; of the old format what the nearest above says where it has none."""
    members: tuple["Folder | Case", ...] = ()

    def cases(self) -> Iterator[Case]:
        """Give all test cases in it, those of its folders too, in order."""
        for member in self.members:
            if isinstance(member, Case):
                yield member
            else:
                yield from member.cases()


def read(tree: Tree, header: Header, report: Report) -> Folder:
    """Read the folders and what their files say. Raises InvalidRequest where there is no test case."""
    walk = _Walk(tree, header, report)
    settings = walk.settings("", {})
    members = [walk.folder(name, settings) for name in (SAMPLE, SECRET) if tree.is_folder(f"{ROOT}/{name}")]
    for name in tree.names(ROOT):
        if name in _VALIDATED:
            report.skip(f"{ROOT}/{name}", "only sample and secret are test data; validators are not tried out")
        elif name not in {SAMPLE, SECRET, *SETTINGS}:
            report.skip(f"{ROOT}/{name}", "test data is in data/sample and data/secret")
    root = Folder("", settings, tuple(member for member in members if member.members))
    if next(root.cases(), None) is None:
        raise refused(f"{ROOT}/{SECRET}", "has no test case", "add files NAME.in and NAME.ans")
    return root


@dataclass(frozen=True)
class _Walk:
    """Goes through the folders of one package."""

    tree: Tree
    header: Header
    report: Report

    def folder(self, name: str, above: Table) -> Folder:
        """Read a folder with all in it; `above` is what holds in the one that it is in."""
        if name.count("/") >= MAX_DEPTH:
            raise refused(f"{ROOT}/{name}", f"is more than {MAX_DEPTH} folders deep", "flatten the test data")
        path, settings = f"{ROOT}/{name}", self.settings(name, above)
        names = self.tree.names(path)
        inner = {each for each in names if self.tree.is_folder(f"{path}/{each}")}
        cases = {each.removesuffix(".in") for each in names if each.endswith(".in") and each not in inner}
        folders = {each for each in inner if not each.endswith((".files", ".download", EXPECTED))}
        _tell_of_others(path, names, cases, folders, self.report)
        return Folder(name, settings, tuple(self._members(name, sorted(cases | folders), cases, folders, settings)))

    def _members(
        self, name: str, names: Sequence[str], cases: set[str], folders: set[str], settings: Table
    ) -> Iterator[Folder | Case]:
        for each in names:
            if each in cases:
                yield Case(f"{name}/{each}", _of_case(self.tree, f"{ROOT}/{name}/{each}"))
            if each in folders and (inner := self.folder(f"{name}/{each}", settings)).members:
                yield inner

    def settings(self, name: str, above: Table) -> Table:
        """Read what a folder's own file says; where it has none the old format takes what holds above."""
        folder = f"{ROOT}/{name}" if name else ROOT
        for file in SETTINGS:
            path = f"{folder}/{file}"
            if path in self.tree:
                return yaml_files.parse_of(self.tree, path, constants.filled(self.tree, path, self.header.constants))
        return dict(above) if self.header.legacy else {}


def _of_case(tree: Tree, path: str) -> Table:
    """Read what a test case's own files say, in the words of its YAML file."""
    said = yaml_files.load(tree, f"{path}.yaml")
    for suffix, key in ((".desc", "description"), (".hint", "hint")):
        if f"{path}{suffix}" in tree and key not in said:
            said[key] = tree.read(f"{path}{suffix}").decode(errors="replace").replace("\0", "")
    if f"{path}.args" in tree and "args" not in said:
        said["args"] = tree.text(f"{path}.args")
    return said


def _tell_of_others(path: str, names: list[str], cases: set[str], folders: set[str], report: Report) -> None:
    """Say what is there besides, each kind once for a folder."""
    shown, pictures = 0, 0
    for name in names:
        suffix = PurePosixPath(name).suffix
        stem = name.removesuffix(suffix)
        shown += suffix in _SHOWN or suffix == ".interaction"
        pictures += suffix in _PICTURES
        if name in folders or name in SETTINGS or suffix in _SHOWN | _PICTURES | {".interaction"}:
            continue
        if suffix not in _OF_CASES:
            report.skip(f"{path}/{name}", "no part of a test case has this name")
        elif stem not in cases:
            report.skip(f"{path}/{name}", f"there is no {stem}.in")
    if shown:
        report.skip(path, f"{shown} files that only show samples (.interaction, .statement, .download)")
    if pictures:
        report.skip(path, f"{pictures} pictures of test cases")


def inherited(chain: Sequence[Table], key: str) -> object:
    """Give what the innermost says of a key; `chain` is in order, from outside to inside."""
    return next((said[key] for said in reversed(chain) if key in said), None)
