"""The languages of packages as ours, and what a program of theirs is: its sources, in which language, where it starts.

Packages say which C++ they mean nowhere: what judges them compiles C++20 today, and so do we.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from domain.file import File
from domain.packages import python2

NAMES: Mapping[str, str] = {
    "c": "c",
    "cpp": "cpp@20",
    "go": "go",
    "java": "java",
    "javascript": "javascript",
    "python3": "python",
    "python": "python",
    "rust": "rust",
}
"""Ours, by the code of the format's table."""
SUFFIXES: Mapping[str, str] = {
    ".c": "c",
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".C"), "cpp"),
    ".go": "go",
    ".java": "java",
    **dict.fromkeys((".js", ".mjs"), "javascript"),
    **dict.fromkeys((".py", ".py3"), "python3"),
    ".rs": "rust",
}
"""Codes by the ends of file names."""
HEADERS = {".h", ".hh", ".hpp", ".hxx", ".inc"}
UNCOMPILED = {"javascript", "python"}
"""Ours, whose programs are only started."""
FIND_THEIR_START = {"c", "cpp", "java"}
"""Languages whose programs start at what is so named in them, in whichever file."""
_RENAMED = {".C": ".cc", ".c++": ".cc", ".py3": ".py"}
"""Endings that our compilers and interpreters do not look for."""
_PUBLIC_CLASS = re.compile(
    rb"^[ \t]*public\s+(?:final\s+|abstract\s+)*(?:class|record|enum)\s+([A-Za-z_$][\w$]*)", re.MULTILINE
)


def code_of(files: Iterable[File]) -> str | None:
    """Say in which of our languages a program is, by the ends of its files' names; None where that is not clear."""
    found = {SUFFIXES[suffix] for file in files if (suffix := PurePosixPath(file.path).suffix) in SUFFIXES}
    if found == {"c", "cpp"}:
        found = {"cpp"}
    return found.pop() if len(found) == 1 else None


def codes(language: str) -> str:
    """Give the format's code of one of our languages."""
    name = language.partition("@")[0]
    return "python3" if name == "python" else name


def is_python2(files: Iterable[File]) -> bool:
    """Whether a program is in Python 2, as one of its files shows."""
    return any(python2.is_python2(file.content) for file in files if file.path.endswith(".py"))


def named(files: Sequence[File]) -> tuple[File, ...]:
    """Give files the names that our compilers want: endings, and a Java file that of its public class."""
    taken = {file.path for file in files}
    return tuple(_named(file, taken) for file in files)


def _named(file: File, taken: set[str]) -> File:
    path = PurePosixPath(file.path)
    wanted = path.with_suffix(_RENAMED.get(path.suffix, path.suffix))
    if path.suffix == ".java" and (public := _PUBLIC_CLASS.search(file.content)):
        wanted = path.with_name(f"{public[1].decode()}.java")
    if wanted == path or wanted.as_posix() in taken:
        return file
    taken.add(wanted.as_posix())
    return File(wanted.as_posix(), file.content, file.mode)


def entry_point(code: str, files: Sequence[File], asked: str | None = None) -> str | None:
    """Say at which file a program starts; None where its language finds that by itself, or where it is not clear."""
    paths = [file.path for file in files]
    if asked in paths:
        return asked
    sources = [path for path in paths if SUFFIXES.get(PurePosixPath(path).suffix) == code]
    if code in FIND_THEIR_START:
        return None
    likely = [path for path in sources if PurePosixPath(path).stem in {"main", "Main", "__main__"}]
    shown = [path for path in sources if b"__main__" in _content(files, path)]
    for chosen in (likely, sources, shown):
        if len(chosen) == 1:
            return chosen[0]
    return likely[0] if likely else None


def first(code: str, files: Sequence[File]) -> str | None:
    """Give the first of a program's sources by name: where judges of the format start one that does not say."""
    return min((file.path for file in files if SUFFIXES.get(PurePosixPath(file.path).suffix) == code), default=None)


def _content(files: Sequence[File], path: str) -> bytes:
    return next(file.content for file in files if file.path == path)
