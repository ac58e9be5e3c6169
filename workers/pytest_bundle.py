"""pytest, as one file that can be put into a box: byte code of the version that the platform itself is tested with.

It is made once in each process, of the packages that are installed beside the platform. Whatever runs in a jail is the
system's Python: where that is of another version than ours it refuses the byte code, and the tests then end as JE.
"""

import io
import marshal
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.util import MAGIC_NUMBER, find_spec
from pathlib import Path

PACKAGES = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "py")
_HEAD = MAGIC_NUMBER + bytes(12)
"""Of a file of byte code: no flags, and neither time nor size of its source, which is not there."""


@cache
def bundle() -> bytes:
    """Make it: a zip that Python imports from."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for package in PACKAGES:
            for name, path in _modules(package):
                code = compile(path.read_bytes(), name, "exec", dont_inherit=True)
                archive.writestr(zipfile.ZipInfo(f"{name}c"), _HEAD + marshal.dumps(code))
    return made.getvalue()


def _modules(package: str) -> Iterator[tuple[str, Path]]:
    """List a package's modules. Raises ModuleNotFoundError for one that is not installed."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed; install the platform with its dependencies")
    found = Path(spec.origin)
    if found.name != "__init__.py":
        yield found.name, found
        return
    for path in sorted(found.parent.rglob("*.py")):
        yield path.relative_to(found.parent.parent).as_posix(), path
