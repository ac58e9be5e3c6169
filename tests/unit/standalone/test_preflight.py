import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from standalone import lock, ports, preflight


def test_this_machine_can_run_it(tmp_path: Path) -> None:
    assert preflight.problems(with_ports=True, folder=tmp_path) == []


def test_an_old_python_is_told_with_the_line_that_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PYTHON", (99, 0))
    assert "make up PYTHON=" in str(preflight.python_problem())


def test_a_missing_module_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "NEEDED_MODULES", ("ensurepip", "no_such_module"))
    assert f"apt-get install -y python3.{sys.version_info[1]}-venv" in str(preflight.python_problem())
    assert "no no_such_module" in str(preflight.python_problem())


def test_a_command_for_root_is_written_with_sudo_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert preflight.as_root("apt-get update") == "sudo apt-get update"


def _unshare_that_fails(*_: object, **__: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.CompletedProcess([], 1, stdout="", stderr="unshare failed: Operation not permitted\n")


@pytest.mark.parametrize("name", preflight.SYSCTLS)
def test_forbidden_namespaces_are_told_with_the_setting_that_forbids_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, right = preflight.SYSCTLS[name]
    path = tmp_path / name.replace(".", "/")
    path.parent.mkdir(parents=True)
    path.write_text(wrong + "\n")
    monkeypatch.setattr(preflight, "SETTINGS", tmp_path)
    monkeypatch.setattr(subprocess, "run", _unshare_that_fails)
    problem = str(preflight.namespaces_problem())
    assert "Operation not permitted" in problem
    assert f"sysctl -w {name}={right}" in problem


def test_namespaces_forbidden_by_something_else_are_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "SETTINGS", tmp_path)
    monkeypatch.setattr(subprocess, "run", _unshare_that_fails)
    assert "run it outside" in str(preflight.namespaces_problem())


def test_a_missing_unshare_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "apt-get install -y util-linux" in str(preflight.namespaces_problem())


def test_a_port_asked_for_that_is_in_use_is_told_with_another(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        problem = preflight.ports_problem(tmp_path, str(port))
    assert problem == f"port {port} is in use; choose another:  SHIPD_PORT={port % 65535 + 1} make up"


@pytest.mark.parametrize("wanted", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_told(wanted: str, tmp_path: Path) -> None:
    assert "is no port" in str(preflight.ports_problem(tmp_path, wanted))


def test_a_remembered_port_in_use_by_someone_else_is_told_with_its_name(tmp_path: Path) -> None:
    remembered = ports.remembered(tmp_path / "ports.json", ["api", "flower"])
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as those do who look whether it is free
        server.bind(("127.0.0.1", remembered["api"]))
        server.listen()
        problem = str(preflight.ports_problem(tmp_path, None))
        assert preflight.ports_problem(tmp_path, str(ports.choose(1)[0])) is None
    assert f"api ({remembered['api']})" in problem
    assert f"rm {tmp_path / 'ports.json'}" in problem


def test_one_that_is_up_already_is_told_with_how_to_stop_it(tmp_path: Path) -> None:
    held = lock.take(tmp_path / "lock")
    assert f"up already (process {os.getpid()}); stop it:  make stop" in str(preflight.ports_problem(tmp_path, None))
    os.close(held)


def test_every_problem_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "problems", lambda *, with_ports: ["first", f"second {with_ports}"])
    with pytest.raises(SystemExit, match=r"^shipd: first\nshipd: second True$"):
        preflight.main(["--ports"])


def test_it_says_nothing_when_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "problems", lambda **_: [])
    preflight.main([])
