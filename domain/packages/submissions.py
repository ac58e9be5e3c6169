"""The example submissions of a package, and the files that go with every submission in a language."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from domain.file import File
from domain.judging import Program
from domain.packages import expected, languages, programs, yaml_files
from domain.packages.faults import refused
from domain.packages.header import Header
from domain.packages.report import Report
from domain.packages.tree import Tree
from domain.packages.yaml_files import Table, table, text
from domain.problem import Example
from domain.problem_limits import MOST_EXAMPLES

FOLDER, INCLUDE = "submissions", "include"
ENTRY_POINTS = "submissions.json"
"""DOMjudge's: where submissions of several files start."""
DEFAULT = "default"


def included(tree: Tree, header: Header, report: Report) -> dict[str, tuple[File, ...]]:
    """Read what goes with every submission, by our name of its language; `""`: in any. Raises InvalidRequest."""
    found: dict[str, tuple[File, ...]] = {}
    for name in tree.names(INCLUDE):
        code = languages.NAMES.get(name)
        if name == DEFAULT or code is not None:
            key = "" if code is None else code.partition("@")[0]
            found[key] = programs.sources(tree, f"{INCLUDE}/{name}", header.constants)
        else:
            report.skip(f"{INCLUDE}/{name}", "nobody here runs this language")
    return found


@dataclass(frozen=True)
class Examples:
    """Reads the example submissions of one package; `most` is what the whole problem is worth."""

    tree: Tree
    header: Header
    most: float | None
    report: Report

    def read(self) -> tuple[Example, ...]:
        """Read all of them. Raises InvalidRequest."""
        settings = yaml_files.load(self.tree, expected.FILE)
        paths = [
            f"{folder}/{name}" for folder in self.tree.names(FOLDER) for name in self.tree.names(f"{FOLDER}/{folder}")
        ]
        for where, count, most in (
            (FOLDER, len(paths), MOST_EXAMPLES),
            (expected.FILE, len(settings), expected.MOST_PATTERNS),
        ):
            if count > most:
                raise refused(where, f"has {count} members, above the ceiling of {most}", "leave some out")
        starts = {path.strip("/"): table(said) for path, said in yaml_files.load(self.tree, ENTRY_POINTS).items()}
        found = [self._example(path, settings, starts.get(f"{FOLDER}/{path}", {})) for path in paths]
        return tuple(example for example in found if example is not None)

    def _example(self, path: str, settings: Table, start: Table) -> Example | None:
        where = f"{FOLDER}/{path}"
        files = programs.sources(self.tree, where, self.header.constants)
        wanted = expected.by_tag(file.content for file in files) or expected.by_folder(path, self.most)
        said: dict[str, str | None] = {"entrypoint": text(start.get("entry_point"))}
        for pattern, told in expected.matching(settings, path):
            wanted = expected.by_settings(told, wanted, f"{expected.FILE}: {pattern}", self.report)
            said |= {key: text(told[key]) for key in ("language", "entrypoint") if key in told}
        program = _program(where, files, said, self.report)
        if program is None:
            return None
        if program.language in languages.UNCOMPILED:
            wanted = expected.uncompiled(wanted)
        return Example(path, program, wanted.verdicts, wanted.points)


def _program(where: str, files: tuple[File, ...], said: Mapping[str, str | None], report: Report) -> Program | None:
    code = said.get("language") or languages.code_of(files)
    suffix = PurePosixPath(where).suffix
    if code is None:
        report.skip(where, f"its language is not clear, or not one of ours ({suffix or 'several files'})")
    elif code not in languages.NAMES:
        report.skip(where, f"nobody here runs {code}")
    elif languages.is_python2(files):
        report.skip(where, "it is in Python 2")
    else:
        named = languages.named(files)
        start = languages.entry_point(code, named, said.get("entrypoint"))
        if start is None and code not in languages.FIND_THEIR_START:
            start = languages.first(code, named)
        return Program(languages.NAMES[code], named, start)
    return None
