"""Look at Python sources without running them: what the jail of a static check runs, by itself, with the stdlib alone.

    python3 -I -S -B check_python.py < nothing    in a folder with ask.json and the sources that it names

A policy, not a security boundary: it keeps an honest program to what a course teaches, and tells who breaks a rule
which one and where. The jail is what holds a hostile program; it must hold without this.

It exits 0 having said `checked N` where nothing is wrong, FOUND having said one line a finding; however else it ends,
the sources count as too complex to be checked. It must read a source as the interpreter will, so whatever could make
the two differ is refused: other encodings than UTF-8, NUL, archives, and files that are importable but no source.
"""

import ast
import json
import re
import site
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import PathFinder
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from typing import NamedTuple

FOUND = 3
"""Not 1, with which Python ends where this script itself fails."""
MOST_FINDINGS = 50
MOST_CHARS = 80
NOT_SOURCE = (".pyc", ".so")
"""What the import system takes beside `.py`; of the same name, `.so` is even preferred."""
ARCHIVE_END = b"PK\x05\x06"
"""The end of a zip file; Python runs one by its end, whatever stands before it."""
UTF_8 = frozenset({"utf-8", "utf8", "utf_8", "utf-8-sig", "utf_8_sig", "ascii", "us-ascii"})
COOKIE = re.compile(rb"coding[:=][ \t]*([-\w.]+)")
COOKIE_LINES = 3
"""Python looks at two; where its lines and ours begin may differ."""
MODULE_NAMES = frozenset({"__name__", "__package__", "__spec__", "__path__", "__loader__", "__file__"})
"""Set to the name of another module, they make `from . import x` an import of its parts."""


class Finding(NamedTuple):
    """What is wrong in one line of a source."""

    line: int
    text: str
    rule: str


class Rules(NamedTuple):
    """A policy, and which modules are the submission's own. Names and attributes have their reasons."""

    imports: frozenset[str]
    names: Mapping[str, str]
    attributes: Mapping[str, str]
    own: frozenset[str]


def main() -> int:
    """Check what ask.json asks for, in this folder; print what was found. Gives the exit code."""
    warnings.simplefilter("ignore")  # of the sources' invalid escapes: those are told when the program runs
    ask = json.loads(Path("ask.json").read_bytes())
    rules = Rules(frozenset(ask["imports"]), ask["names"], ask["attributes"], own_modules(ask["own"], ask["entry"]))
    lines = [line for file in ask["files"] for line in _lines(file, Path(file["at"]).read_bytes(), rules)]
    if not lines:
        _say([f"checked {len(ask['files'])}"])
        return 0
    more = len(lines) - MOST_FINDINGS
    _say(lines[:MOST_FINDINGS] + ([f"and {more} more"] if more > 0 else []))
    return FOUND


def _say(lines: Sequence[str]) -> None:
    sys.stdout.buffer.write("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def _lines(file: Mapping[str, str], content: bytes, rules: Rules) -> Iterator[str]:
    """Say what was found in one file; of one that nobody may know, only which rules it breaks."""
    found = findings(file["path"], content, rules)
    if file["hidden"]:
        yield from sorted({f"a file of a hidden test case is not allowed (rule {rule})" for _, _, rule in found})
        return
    for line, text, rule in found:
        yield f"{_printable(file['path'])}:{line}: {text} (rule {rule})"


def _printable(text: str) -> str:
    """Write control characters as escapes, so that a name cannot forge a line."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def findings(path: str, content: bytes, rules: Rules) -> list[Finding]:
    """List what is wrong in one source, by line. One that Python cannot parse either has nothing wrong.

    Raises MemoryError, RecursionError for one that is too complex.
    """
    unreadable = _unreadable(path, content)
    if unreadable is not None:
        return [unreadable]
    try:
        tree = compile(content, "source", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError:
        return []
    # Not a recursive visitor: the depth of a tree is the sender's choice.
    return sorted({found for node in ast.walk(tree) for found in _broken(node, rules)})


def _unreadable(path: str, content: bytes) -> Finding | None:
    """Say why the interpreter might run something else than what is parsed here; None where it cannot."""
    if path.endswith(NOT_SOURCE):
        return Finding(1, "only Python sources may be imported, no compiled modules", "source")
    if content.startswith(MAGIC_NUMBER[:2]):
        return Finding(1, "this is byte code, not a source", "source")
    for mark, what in ((b"\0", "a NUL byte"), (ARCHIVE_END, "a zip archive")):
        if mark in content:
            return Finding(_line_at(content, content.index(mark)), f"{what} is not allowed", "source")
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n", COOKIE_LINES)[:COOKIE_LINES]
    for number, line in enumerate(lines, 1):
        for name in COOKIE.findall(line.partition(b"#")[2]):
            if name.lower() not in {known.encode() for known in UTF_8}:
                text = f"the encoding {_named(name.decode('ascii', 'replace'))} is not allowed, save it as UTF-8"
                return Finding(number, text, "encoding")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return Finding(_line_at(content, error.start), "this is not valid UTF-8", "encoding")
    return None


def _line_at(content: bytes, place: int) -> int:
    return content.count(b"\n", 0, place) + 1


def _broken(node: ast.AST, rules: Rules) -> Iterator[Finding]:
    """Say which rules one node of a tree breaks."""
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _broken_import(node, rules)
        case ast.Name(ctx=ast.Load()):
            yield from _reasoned(node.lineno, node.id, "name", rules.names)
        case ast.Name():
            yield from _bound(node.lineno, node.id, rules)
        case ast.Attribute():
            yield from _reasoned(node.end_lineno or node.lineno, node.attr, "attribute", rules.attributes)
        case ast.pattern():
            yield from _broken_pattern(node, rules)


def _broken_import(node: ast.Import | ast.ImportFrom, rules: Rules) -> Iterator[Finding]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        modules = [node.module or ""] if node.level == 0 else []  # a relative one stays among the submission's own
        for alias in node.names:
            yield from _reasoned(node.lineno, alias.name, "attribute", rules.attributes)
            yield from _reasoned(node.lineno, alias.name, "name", rules.names)
    for module in modules:
        yield from _import(node.lineno, module, rules)
    for alias in node.names:
        yield from _bound(node.lineno, alias.asname, rules)


def _broken_pattern(node: ast.pattern, rules: Rules) -> Iterator[Finding]:
    """Check the names in a `case`, which are no nodes of their own."""
    match node:
        case ast.MatchClass():
            for name in node.kwd_attrs:
                yield from _reasoned(node.lineno, name, "attribute", rules.attributes)
        case ast.MatchAs() | ast.MatchStar():
            yield from _bound(node.lineno, node.name, rules)
        case ast.MatchMapping():
            yield from _bound(node.lineno, node.rest, rules)


def _import(line: int, module: str, rules: Rules) -> Iterator[Finding]:
    top = module.partition(".")[0]
    if top not in rules.imports and top not in rules.own:
        yield Finding(line, f"import of {_named(module)} is not allowed", "imports")


def _bound(line: int, name: str | None, rules: Rules) -> Iterator[Finding]:
    """Check a name that is given a value, or taken away."""
    if name is None:
        return
    if name in MODULE_NAMES:
        yield Finding(line, f"{_named(name)} cannot be changed: imports go by it", "names")
    yield from _reasoned(line, name, "name", rules.names)


def _reasoned(line: int, name: str, kind: str, banned: Mapping[str, str]) -> Iterator[Finding]:
    if name in banned:
        yield Finding(line, f"the {kind} {_named(name)} is not allowed: {banned[name]}", f"{kind}s")


def _named(name: str) -> str:
    shown = _printable(name)
    return repr(shown if len(shown) <= MOST_CHARS else shown[: MOST_CHARS - 3] + "...")


def own_modules(paths: Sequence[str], entry: str) -> frozenset[str]:
    """List what `import` finds beside the entry point, before anything of the host.

    Not a name of the standard library, which may be loaded before the first look there. A folder without `__init__.py`
    gives way to an installed package, so it is the submission's own only where none is installed.
    """
    folder = entry.rpartition("/")[0]
    prefix = f"{folder}/" if folder else ""
    surest: dict[str, bool] = {}
    for path in paths:
        if path.startswith(prefix) and path.endswith(".py"):
            name, _, below = path[len(prefix) :].partition("/")
            name = name if below else name.removesuffix(".py")
            surest[name] = surest.get(name, False) or below in {"", "__init__.py"}
    known = {*sys.stdlib_module_names, *sys.builtin_module_names, "__main__"}
    return frozenset(name for name, sure in surest.items() if name not in known and (sure or not _installed(name)))


def _installed(name: str) -> bool:
    try:
        return PathFinder.find_spec(name, site.getsitepackages()) is not None
    except (ImportError, ValueError):
        return True


if __name__ == "__main__":
    sys.exit(main())
