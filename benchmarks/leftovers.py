"""Remove what a benchmark left that was killed: whatever has the name of a process that is gone.

Its processes ended with it (`standalone.tied`); control groups and folders have nobody who would remove them.
"""

import re
import shutil
import tempfile
from pathlib import Path

from benchmarks.groups import trees
from sandbox import cgroup

_NAMED = re.compile(r"(?:shipd-bench|platform|rows)-(\d+)(?:-.*)?")


def remove(folder: Path) -> None:
    """Remove what is nobody's: control groups, temporary folders, and what lies in the benchmarks' own folder."""
    for tree in trees():
        for group in tree.glob("shipd-bench-*"):
            if is_left(group.name):
                cgroup.forget(group)
    for place in (Path(tempfile.gettempdir()), folder):
        for path in place.iterdir() if place.exists() else ():
            if is_left(path.name):
                shutil.rmtree(path, ignore_errors=True)


def is_left(name: str) -> bool:
    """Say whether a name is that of a process that is gone."""
    found = _NAMED.fullmatch(name)
    return found is not None and not Path(f"/proc/{found[1]}").exists()
