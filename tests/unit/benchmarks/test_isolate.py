import sys
from pathlib import Path

import click
import pytest

from benchmarks.modes import Isolate
from benchmarks.programs import Program
from domain.model import File
from sandbox import Command, Limits
from sandbox.limits import MIB

FAKE = """#!{python}
import os, pathlib, shutil, sys
home = pathlib.Path(__file__).with_name("boxes")
with open(home.with_name("said"), "a") as said:
    print(*sys.argv[1:], file=said)
if "--init" in sys.argv:
    (home / "box").mkdir(parents=True)
    print(home)
elif "--cleanup" in sys.argv:
    shutil.rmtree(home)
else:
    os.chdir(home / "box")
    program = sys.argv[sys.argv.index("--") + 1:]
    os.execv(program[0], program)
"""


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    path = tmp_path / "isolate"
    path.write_text(FAKE.format(python=sys.executable))
    path.chmod(0o755)
    return path


def program(source: str) -> Program:
    return Program(
        files=(File("main.py", source.encode()),),
        command=Command((sys.executable, "main.py"), "python"),
        limits=Limits(10_000, 21_000, 256 * MIB, MIB, 64 * MIB, 64),
        disk_bytes=64 * MIB,
        mounts=("/etc/some",),
    )


def test_it_makes_a_box_runs_and_cleans_up(binary: Path) -> None:
    assert Isolate(str(binary), program("print(sum(map(int, input().split())))")).run() > 0
    init, run, cleanup = (binary.parent / "said").read_text().splitlines()
    assert (init, cleanup) == ("--init", "--cleanup")
    assert "--time=10.0 --wall-time=21.0 --fsize=65536 --processes=64 --mem=262144" in run
    assert "--dir=/etc/some" in run
    assert not (binary.parent / "boxes").exists()


def test_a_wrong_answer_is_no_measurement_and_the_box_is_gone(binary: Path) -> None:
    with pytest.raises(click.ClickException, match="isolate: the program printed b'41"):
        Isolate(str(binary), program("print(41)")).run()
    assert not (binary.parent / "boxes").exists()
