"""The texts of a problem, in each language, with what they show; and its attachments."""

import re
from pathlib import PurePosixPath

from domain.blobs import BlobStore
from domain.packages import constants, keeping
from domain.packages.faults import refused
from domain.packages.header import Header
from domain.packages.report import Report
from domain.packages.tree import Entry, Tree, entry
from domain.problem import Document, Statement
from domain.problem_limits import MOST_STATEMENTS

FOLDERS = ("statement", "problem_statement")
ATTACHMENTS = "attachments"
PROBLEM = re.compile(r"problem(?:\.([a-z]{2,3}(?:-[A-Za-z]{2,4})?))?\.(tex|md|pdf|html)")
_FORMATS = ("md", "tex", "html", "pdf")
"""The first that there is of one language is taken."""
_BY_TEXT = {"md", "tex", "html"}
_NAME = re.compile(r"\\problemname\{((?:[^{}]|\{[^{}]*\})*)\}")
_PLAIN_NAME = re.compile(r"^%%\s*plainproblemname:\s*(.+)$", re.MULTILINE)
_TITLE_WITHIN = 16 * 1024
ENGLISH = "en"


def read(tree: Tree, header: Header, fallback: str, blobs: BlobStore, report: Report) -> tuple[Statement, ...]:
    """Read all statements, English first. Raises OSError where the disk is full."""
    folder = _folder(tree, header)
    found = _texts(tree, folder, report)
    others = {one.path.removeprefix(f"{folder}/"): one for one in tree.under(folder)} if folder else {}
    shown = tuple(keeping.document(one, path, blobs) for path, one in others.items() if not PROBLEM.fullmatch(path))
    languages = sorted(found, key=lambda language: (language != ENGLISH, language))
    made = []
    for language in languages:
        text = _filled(tree, found[language], header)
        content = keeping.document(text, PurePosixPath(text.path).name, blobs)
        titled = _titled(text, language, header) or fallback
        made.append(Statement(language, titled, content, shown))
    return tuple(made)


def title(header: Header, statements: tuple[Statement, ...], fallback: str) -> str:
    """Give the problem's name: as problem.yaml says it, English if it can be, else that of a statement."""
    for language in ("", ENGLISH, *header.names):
        if language in header.names:
            return header.names[language]
    return statements[0].title if statements else fallback


def attachments(tree: Tree, blobs: BlobStore) -> tuple[Document, ...]:
    """Keep what is handed to everybody. Raises OSError."""
    return tuple(
        keeping.document(one, one.path.removeprefix(f"{ATTACHMENTS}/"), blobs) for one in tree.under(ATTACHMENTS)
    )


def _folder(tree: Tree, header: Header) -> str:
    names = tuple(reversed(FOLDERS)) if header.legacy else FOLDERS
    return next((name for name in names if tree.is_folder(name)), "")


def _texts(tree: Tree, folder: str, report: Report) -> dict[str, Entry]:
    """Find the text of each language: in its folder, else at the root, where some have a PDF."""
    by_language: dict[str, dict[str, str]] = {}
    for name in tree.names(folder):
        if (match := PROBLEM.fullmatch(name)) is not None:
            path = f"{folder}/{name}" if folder else name
            by_language.setdefault(match[1] or ENGLISH, {})[match[2]] = path
    if not by_language and folder:
        return _texts(tree, "", report)
    if len(by_language) > MOST_STATEMENTS:
        raise refused(folder, f"has {len(by_language)} languages, above the ceiling of {MOST_STATEMENTS}", "use fewer")
    found: dict[str, Entry] = {}
    for language, formats in by_language.items():
        chosen, *others = (formats[form] for form in _FORMATS if form in formats)
        found[language] = tree.entry(chosen)
        for other in others:
            report.skip(other, f"{chosen} is the statement in this language")
    if not found:
        report.note(FOLDERS[0], "the package has no statement")
    return found


def _filled(tree: Tree, found: Entry, header: Header) -> Entry:
    """Give a statement with constants filled in, where it is a text and there are some."""
    if not header.constants or not _is_text(found):
        return found
    return entry(found.path, constants.filled(tree, found.path, header.constants))


def _is_text(found: Entry) -> bool:
    return PurePosixPath(found.path).suffix.removeprefix(".") in _BY_TEXT


def _titled(text: Entry, language: str, header: Header) -> str:
    """Give the name in a language: of problem.yaml, of the text itself, or in another language."""
    said = header.names.get(language) or header.names.get("")
    if said is None and _is_text(text):
        with text.open() as file:
            said = _title(file.read(_TITLE_WITHIN).decode(errors="replace"))
    return said or next(iter(header.names.values()), "")


def _title(words: str) -> str:
    found = _PLAIN_NAME.search(words) or _NAME.search(words)
    return " ".join(found[1].replace("\0", "").split()) if found else ""
