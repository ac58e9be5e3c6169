import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sandbox import __main__ as command_line
from sandbox import doctor, init

TREE = Path(__file__).parents[3]


def sandbox(state: Path, *arguments: str, stdin: bytes = b"") -> Result:
    """Type `python -m sandbox ...`."""
    argv = ["--state", str(state), "--cgroups", "none", *arguments]
    return CliRunner().invoke(command_line.main, argv, input=stdin)


def test_it_runs_a_program(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print(int(input()) * 7)")
    argv = ["run", "--file", str(tmp_path / "main.py"), "--", "/usr/bin/python3", "main.py"]
    done = sandbox(tmp_path, *argv, stdin=b"6\n")
    assert done.exit_code == 0
    result = json.loads(done.stdout)
    assert (result["cause"], result["exit_code"], result["stdout"], result["stderr"]) == ("exit", 0, "42\n", "")
    assert result["counters"]["sources"]


def test_it_tells_forbidden_calls(tmp_path: Path) -> None:
    text = "import socket; socket.socket(socket.AF_UNIX)"
    result = json.loads(sandbox(tmp_path, "run", "--policy", "check", "--", "/usr/bin/python3", "-c", text).stdout)
    assert (result["cause"], result["denied_syscall"]) == ("syscall", "socket")
    assert result["denied_syscalls"] == {"socket": 1}


def test_it_takes_limits(tmp_path: Path) -> None:
    argv = ["run", "--wall-ms", "100", "--memory-mb", "64", "--", "/usr/bin/sleep", "60"]
    assert json.loads(sandbox(tmp_path, *argv).stdout)["cause"] == "wall"


def test_it_shows_a_forbidden_call(tmp_path: Path) -> None:
    mount = "import ctypes; ctypes.CDLL(None).mount(None, None, None, 0, None)"
    done = json.loads(sandbox(tmp_path, "run", "--", "/usr/bin/python3", "-c", mount).stdout)
    assert (done["cause"], done["denied_syscalls"]) == ("syscall", {"mount": 1})


def test_it_shows_bytes_that_are_no_text(tmp_path: Path) -> None:
    done = sandbox(tmp_path, "run", "--", "/usr/bin/printf", r"\377x")
    assert json.loads(done.stdout)["stdout"] == "�x"


def test_it_says_what_is_wrong(tmp_path: Path) -> None:
    done = sandbox(tmp_path, "run", "--policy", "no-such", "--", "/usr/bin/true")
    assert done.exit_code == 1
    assert "seccomp policy 'no-such' cannot be read" in done.stderr


def test_it_names_the_calls_that_a_policy_lacks(tmp_path: Path) -> None:
    text = "import socket; socket.socket(socket.AF_UNIX).close()"
    done = sandbox(tmp_path, "syscalls", "--policy", "strict", "--", "/usr/bin/python3", "-c", text)
    assert done.exit_code == 0
    assert 'socket = "reason, please"' in done.stdout
    assert "strict lacks" in done.stderr


def test_it_does_not_learn_with_a_policy_that_is_not_there(tmp_path: Path) -> None:
    done = sandbox(tmp_path, "syscalls", "--policy", "no-such", "--", "/usr/bin/true")
    assert (done.exit_code, "cannot be read" in done.stderr) == (1, True)


def test_it_builds_init(tmp_path: Path) -> None:
    done = sandbox(tmp_path, "build")
    assert (done.exit_code, done.stdout.strip()) == (0, str(init.built_path(tmp_path.resolve())))


FINDINGS = [doctor.Finding("a", ok=True, detail="well"), doctor.Finding("b", ok=False, detail="ill", fix="mend b")]


def test_the_doctor_says_what_is_wrong_and_what_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda _: FINDINGS)
    done = sandbox(tmp_path, "doctor")
    assert done.exit_code == 1
    assert done.stdout == "ok   a: well\nFAIL b: ill\n     mend it with: mend b\n"


def test_the_doctor_speaks_to_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda _: FINDINGS[:1])
    done = sandbox(tmp_path, "doctor", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (
        0,
        [{"name": "a", "ok": True, "detail": "well", "fix": "", "needed": True}],
    )


def test_what_a_host_can_do_without_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = doctor.Finding("c", ok=False, detail="not offered", fix="mend c", needed=False)
    monkeypatch.setattr(doctor, "examine", lambda _: [*FINDINGS[:1], lacking])
    done = sandbox(tmp_path, "doctor")
    assert (done.exit_code, done.stdout) == (0, "ok   a: well\n--   c: not offered\n     mend it with: mend c\n")


def test_it_works_alone(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "sandbox",
        "--state",
        str(tmp_path),
        "--cgroups",
        "none",
        "run",
        "--",
        "/usr/bin/true",
    ]
    done = subprocess.run(argv, cwd=TREE, capture_output=True, stdin=subprocess.DEVNULL, check=True)
    assert json.loads(done.stdout)["exit_code"] == 0
