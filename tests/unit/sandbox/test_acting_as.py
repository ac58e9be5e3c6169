import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sandbox.box import Box, acting_as

ROOT = os.geteuid() == 0
SOMEBODY = 1_073_741_900 if ROOT else os.geteuid()


def identity() -> list[str]:
    """Uid and gid for files, of this thread alone."""
    lines = Path(f"/proc/self/task/{threading.get_native_id()}/status").read_text().splitlines()
    return [line.split()[4] for line in lines if line.startswith(("Uid:", "Gid:"))]


def test_files_belong_to_whom_they_are_made_for(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with Box(os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY), SOMEBODY if ROOT else None) as made:
        made.write("a/b", b"x", 0o600)
    for path in (tmp_path / "a", tmp_path / "a/b"):
        assert path.stat().st_uid == SOMEBODY


def test_it_is_over_after_the_block() -> None:
    before = identity()
    with acting_as(SOMEBODY if ROOT else None):
        assert identity() == ([str(SOMEBODY)] * 2 if ROOT else before)
    assert identity() == before


def test_it_is_over_after_an_error() -> None:
    before = identity()
    with pytest.raises(OSError, match="x"), acting_as(SOMEBODY if ROOT else None):
        raise OSError("x")
    assert identity() == before


def test_it_holds_for_one_thread_alone() -> None:
    before = identity()
    seen: list[list[str]] = []
    with acting_as(SOMEBODY if ROOT else None):
        thread = threading.Thread(target=lambda: seen.append(identity()))
        thread.start()
        thread.join()
    # A thread has what the one had that started it: nothing is started inside of the block.
    assert seen
    assert identity() == before


def test_a_host_that_does_not_let_us_is_told() -> None:
    """An ordinary user can be nobody else."""
    text = (
        "import os, sys\n"
        "from sandbox.box import acting_as\n"
        "from sandbox.result import SandboxError\n"
        "if os.geteuid() == 0: os.setresgid(4, 4, 4); os.setresuid(4, 4, 4)\n"
        "try:\n"
        " with acting_as(os.geteuid() + 77): print('became')\n"
        "except SandboxError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("cannot reach files as uid")
