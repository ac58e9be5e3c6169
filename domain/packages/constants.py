"""Constants of a package: `{{name}}` in its texts and sources, the command `constant` in LaTeX."""

import re
from collections.abc import Mapping

from domain.packages.tree import MAX_READ_BYTES, Tree
from domain.packages.yaml_files import table, text

_BRACES = re.compile(rb"\{\{\s?([A-Za-z_][A-Za-z0-9_.]*)\s?\}\}")
_COMMAND = re.compile(rb"\\constant\{([A-Za-z_][A-Za-z0-9_.]*)\}")
_VALUE = "value"


def read(value: object) -> dict[str, str]:
    """Read them by name; of one with several forms `name` is its value, and `name.form` each."""
    found: dict[str, str] = {}
    for name, each in table(value).items():
        if (one := text(each)) is not None:
            found[name] = one
        forms = {form: said for form, told in table(each).items() if (said := text(told)) is not None}
        found |= {f"{name}.{form}": said for form, said in forms.items() if form != _VALUE}
        found |= {name: forms[_VALUE]} if _VALUE in forms else {}
    return found


def filled(tree: Tree, path: str, known: Mapping[str, str]) -> bytes:
    """Read a text with the values of constants put in; what has no value stays as it is. Raises InvalidRequest."""
    data = tree.read(path)
    return _put_in(tree, _COMMAND, _put_in(tree, _BRACES, data, known), known) if known else data


def _put_in(tree: Tree, form: re.Pattern[bytes], data: bytes, known: Mapping[str, str]) -> bytes:
    """Reckon before anything is made: a short text may unfold to more than there is memory."""
    grown = sum(len(_value(found, known)) - len(found[0]) for found in form.finditer(data))
    tree.spend("texts and programs", max(grown, 0), MAX_READ_BYTES)
    return form.sub(lambda found: _value(found, known), data)


def _value(found: re.Match[bytes], known: Mapping[str, str]) -> bytes:
    value = known.get(found[1].decode())
    return found[0] if value is None else value.encode()
