import os
import subprocess
from dataclasses import replace

import pytest

from sandbox.confinement import differences, verify
from sandbox.result import SandboxError
from sandbox.slots import Slot

SLOT = Slot(numbers=(0,), name="0", cpus=(0,), init_uid=7000, program_uid=7001)
GOOD = {
    "Name": "init",
    "Uid": "7001\t7001\t7001\t7001",
    "Gid": "7001\t7001\t7001\t7001",
    "Groups": " ",
    "CapInh": "0" * 16,
    "CapPrm": "0" * 16,
    "CapEff": "0" * 16,
    "CapBnd": "0" * 16,
    "CapAmb": "0" * 16,
    "NoNewPrivs": "1",
    "Seccomp": "2",
    "Seccomp_filters": "1",
}


def status(**changed: str) -> str:
    return "".join(f"{name}:\t{value}\n" for name, value in {**GOOD, **changed}.items())


def test_a_confined_program_differs_in_nothing() -> None:
    assert differences(status(), SLOT) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Uid", "7001\t7001\t7001\t0"),
        ("Uid", "7000\t7000\t7000\t7000"),
        ("Gid", "0\t0\t0\t0"),
        ("Groups", "0 4 27"),
        ("CapEff", "0000000000000001"),
        ("CapPrm", "00000000000001e0"),
        ("CapInh", "0000000000000020"),
        ("CapBnd", "000001ffffffffff"),
        ("CapAmb", "0000000000000020"),
        ("NoNewPrivs", "0"),
        ("Seccomp", "0"),
        ("Seccomp", "1"),
    ],
)
def test_anything_else_is_named(name: str, value: str) -> None:
    assert differences(status(**{name: value}), SLOT) == {name: value.split()}


@pytest.mark.parametrize("name", ["Uid", "Gid", "Groups", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp"])
def test_what_is_not_told_is_a_difference(name: str) -> None:
    text = "\n".join(line for line in status().splitlines() if not line.startswith(f"{name}:"))
    assert differences(text, SLOT) == {name: None}


def test_an_ordinary_users_groups_are_not_looked_at() -> None:
    alone = replace(SLOT, init_uid=None)
    assert differences(status(Gid="1 1 1 1", Groups="27"), alone) == {}
    assert differences(status(Uid="1 1 1 1"), alone) == {"Uid": ["1"] * 4}


def test_an_unconfined_process_is_refused() -> None:
    slot = replace(SLOT, init_uid=None, program_uid=os.geteuid())
    with subprocess.Popen(["/usr/bin/cat"], stdin=subprocess.PIPE) as process:
        with pytest.raises(SandboxError, match=r"not confined as it must be: .*Seccomp"):
            verify(process.pid, slot)
        assert process.stdin is not None
        process.stdin.close()
