"""Programs of a package: validators and interactors, a file or the files of a folder.

Scripts named `build` and `run` are not run: whatever is compiled or started here is so in a jail, by its language.
"""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from domain.file import File
from domain.judging import Program
from domain.packages import constants, languages
from domain.packages.faults import refused
from domain.packages.report import Report
from domain.packages.tree import Entry, Tree

MAX_PROGRAM_BYTES = 4 * 1024 * 1024
"""Of all files of one program."""
MAX_WRAPPER_BYTES = 4096
"""Of a script that starts one program; the time to look at one grows with the square of it."""
BUILD, RUN = "build", "run"
_UNRUN = {".ctd": "Checktestdata", ".viva": "VIVA"}
_README = re.compile(r"readme(\..*)?|.*\.(md|txt|pdf|log)|makefile|cmakelists\.txt|\..*", re.IGNORECASE)
_COMMENT = re.compile(r"\s*(#.*)?")
_SETTING = re.compile(r"\s*((set|cd|export)\s|[A-Za-z_]+=).*")
_WRAPPER = re.compile(r'.*(\$@|\$\*|"\$@")\s*(<\s*\S+\s*)?')


class Unclear(Exception):  # noqa: N818 - it says what is the case
    """Why a program cannot be taken."""


def listed(tree: Tree, folder: str) -> list[str]:
    """List the programs of a folder, each a file or a folder; what is clearly none is left out."""
    names = tree.names(folder)
    programs = [f"{folder}/{name}" for name in names if not _README.fullmatch(name)]
    # A header beside single files belongs to them; alone it makes no program.
    return [path for path in programs if tree.is_folder(path) or PurePosixPath(path).suffix not in languages.HEADERS]


def only(tree: Tree, folder: str) -> list[str]:
    """List the programs of a folder that may itself be the one: where sources lie in it, all it holds is one."""
    found = listed(tree, folder)
    files = [path for path in found if not tree.is_folder(path)]
    together = len(files) > 1 or any(PurePosixPath(path).name in {BUILD, RUN} for path in files)
    return [folder] if together else found


def _headers(tree: Tree, path: str) -> list[Entry]:
    """Give the headers beside a program that is one file."""
    folder = path.rpartition("/")[0]
    names = [name for name in tree.names(folder) if PurePosixPath(name).suffix in languages.HEADERS]
    return [tree.entry(f"{folder}/{name}") for name in names if not tree.is_folder(f"{folder}/{name}")]


def unrun(path: str) -> str | None:
    """Say of what kind a validator is that nobody here runs."""
    return _UNRUN.get(PurePosixPath(path).suffix)


def read(tree: Tree, path: str, known: Mapping[str, str], report: Report) -> Program:
    """Read a program. Raises Unclear where it is not clear how to compile or start it, and InvalidRequest."""
    files = sources(tree, path, known)
    scripts = {file.path: file for file in files if file.path in {BUILD, RUN}}
    files = tuple(file for file in files if file.path not in scripts)
    if RUN in scripts and not _wraps(scripts[RUN].content):
        raise Unclear("its script `run` does more than start a program; write the validator in one language")
    code = languages.code_of(files)
    if code is None:
        found = ", ".join(sorted(file.path for file in files)[:5]) or "nothing"
        raise Unclear(f"its language is not clear from {found}; known are files in {', '.join(languages.SUFFIXES)}")
    if languages.is_python2(files):
        raise Unclear("it is in Python 2")
    if scripts:
        report.note(path, f"its sources are compiled and started as {code}; {' and '.join(scripts)} is not run")
    files = languages.named(files)
    entry = languages.entry_point(code, files)
    if entry is None and code not in languages.FIND_THEIR_START:
        raise Unclear("several of its files may be where it starts; name one __main__.py, or main with its ending")
    return Program(languages.NAMES[code], files, entry)


def sources(tree: Tree, path: str, known: Mapping[str, str]) -> tuple[File, ...]:
    """Read the files of a program, with constants filled in. Raises InvalidRequest beyond the ceiling."""
    found = tree.under(path) if tree.is_folder(path) else [tree.entry(path), *_headers(tree, path)]
    if sum(one.size_bytes for one in found) > MAX_PROGRAM_BYTES:
        raise refused(path, f"holds more than {MAX_PROGRAM_BYTES} bytes", "shorten the program")
    base = path if tree.is_folder(path) else str(PurePosixPath(path).parent)
    return tuple(
        File(PurePosixPath(one.path).relative_to(base).as_posix(), constants.filled(tree, one.path, known), one.mode)
        for one in found
    )


def _wraps(script: bytes) -> bool:
    """Whether a shell script does nothing but start one program with its own arguments."""
    if len(script) > MAX_WRAPPER_BYTES:
        return False
    lines = [line for line in script.decode(errors="replace").splitlines() if not _COMMENT.fullmatch(line)]
    commands = [line for line in lines if not _SETTING.fullmatch(line)]
    return len(commands) == 1 and _WRAPPER.fullmatch(commands[0]) is not None
