"""YAML as packages have it: no tags are obeyed, every scalar is text, and what it unfolds to is bounded."""

import re
from collections.abc import Mapping, Sequence

import yaml

from domain.packages.faults import refused
from domain.packages.tree import Tree

MAX_BYTES = 1024 * 1024
"""Of all files together: reading a million bytes takes many seconds, and may be made to take longer."""
MAX_NODES = 20_000
MAX_DEPTH = 16

Value = str | Sequence["Value"] | Mapping[str, "Value"]
Table = dict[str, object]
UNFIT = re.compile("[\x00\ud800-\udfff]")
"""What no row can hold as text."""
_TABS = re.compile(rb"(?<=[^ \t\r\n])[ \t]*\t[ \t]*")
_BLANK = re.compile(rb"^[ \t]+(?=\r?$|#)", re.MULTILINE)
_NULLS = {"", "~", "null", "Null", "NULL"}
_YES, _NO = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def load(tree: Tree, path: str) -> Table:
    """Read a file whose whole is a mapping; empty where it is not there. Raises InvalidRequest."""
    if path not in tree:
        return {}
    return parse_of(tree, path, tree.read(path, MAX_BYTES))


def parse_of(tree: Tree, path: str, data: bytes) -> Table:
    """Read YAML as `parse` does, and no more of one package than MAX_BYTES. Raises InvalidRequest."""
    tree.spend("YAML", len(data), MAX_BYTES)
    return parse(data, path)


def parse(data: bytes, path: str) -> Table:
    """Read YAML whose whole is a mapping. Raises InvalidRequest naming the file."""
    try:
        found = _parsed(data)
    except yaml.YAMLError as error:
        raise refused(path, f"is no YAML: {_in_one_line(error)}", "mend it") from None
    except (RecursionError, UnicodeDecodeError, ValueError):
        raise refused(path, "is no YAML that can be read here", "encode it as UTF-8, and nest less deeply") from None
    if found is None or found == "":
        return {}
    if not isinstance(found, dict):
        raise refused(path, "is no mapping of keys to values", "write `key: value` lines")
    _bounded(found, path)
    return {str(key): value for key, value in found.items()}


def _parsed(data: bytes) -> object:
    """Read it; again with spaces for tabs that only separate, which YAML allows and this parser does not."""
    # BaseLoader makes text of every scalar, whatever its tag: nothing is constructed, no date, no number.
    try:
        return yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506 - as said above
    except yaml.scanner.ScannerError:
        spaced = _TABS.sub(b" ", _BLANK.sub(b"", data))
        return yaml.load(spaced, Loader=yaml.BaseLoader)  # noqa: S506 - as said above


def _bounded(found: object, path: str) -> None:
    """Refuse what aliases unfold to, circles among them."""
    waiting, seen = [(found, 1)], 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH or seen > MAX_NODES:
            raise refused(path, "is nested too deeply, or unfolds to too much", "write it without aliases")
        if isinstance(value, dict):
            waiting.extend((each, depth + 1) for pair in value.items() for each in pair)
        elif isinstance(value, list):
            waiting.extend((each, depth + 1) for each in value)
        elif isinstance(value, str) and UNFIT.search(value):
            raise refused(path, "has a NUL or a lone surrogate in a text", "leave it out")


def _in_one_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it cannot be parsed"
    return f"{what} (line {mark.line + 1})" if mark is not None else str(what)


def text(value: object) -> str | None:
    """Give a scalar; None for null, and for what is none."""
    return value if isinstance(value, str) and value not in _NULLS else None


def texts(value: object) -> list[str]:
    """Give a scalar or a list of them as a list."""
    members = value if isinstance(value, list) else [value]
    return [found for found in map(text, members) if found is not None]


def table(value: object) -> Table:
    """Give a mapping; an empty one for anything else."""
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def flag(value: object) -> bool | None:
    """Read yes or no; None for anything else."""
    word = (text(value) or "").lower()
    return True if word in _YES else False if word in _NO else None


def number(value: object, path: str) -> float | None:
    """Read a number that is finite; None for null. Raises InvalidRequest for what is none."""
    word = text(value)
    if word is None:
        return None
    try:
        found = float(word)
    except ValueError:
        found = float("nan")
    if not -1e15 < found < 1e15:
        raise refused(path, f"{word[:40]!r} is no number", "write one such as 2 or 0.5")
    return found


def plain(value: object) -> object:
    """Give a value whose nulls are None, for metadata."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return text(value)
