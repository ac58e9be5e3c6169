import contextlib
import json
import os
import socket
from pathlib import Path

import psutil
import pytest

from standalone import lock, ports, programs
from standalone.client import Client
from standalone.programs import Program
from standalone.stack import Stack
from standalone.supervisor import ProgramError

CHOSEN = ("SHIPD_INSTANCE", "SHIPD_CGROUPS")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no servers and chooses nothing."""
    for name in ("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE", *CHOSEN):
        monkeypatch.delenv(name, raising=False)


def test_it_answers_with_the_key_that_it_made(stack: Stack) -> None:
    assert stack.client.get("/v1/languages").status == 200
    assert Client(stack.url, "shipd_wrong").get("/v1/languages").status == 401


def test_where_it_answers_and_its_key_are_in_a_private_file(stack: Stack) -> None:
    path = stack.folder / "shipd.env"
    assert path.read_text() == f"SHIPD_URL={stack.url}\nSHIPD_API_KEY={stack.api_key}\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_secret_stands_on_a_command_line(stack: Stack) -> None:
    process = psutil.Process(stack.supervisor.process_id)
    shown = ""
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # one that has ended meanwhile
            shown += " ".join(child.cmdline()) + "\n"
    assert "app.wsgi:application" in shown
    for server in stack.servers:
        assert server.password not in shown
    assert stack.environ["FLOWER_BASIC_AUTH"] not in shown


def test_flower_wants_its_password(stack: Stack) -> None:
    assert Client(stack.flower_url).get("/workers").status == 401


def test_a_second_one_in_its_folder_is_refused(stack: Stack) -> None:
    with pytest.raises(lock.AlreadyRunning):
        Stack(stack.folder).start()
    assert stack.client.get("/livez").status == 200


@pytest.mark.usefixtures("alone")
def test_two_folders_share_neither_ports_nor_cgroups(tmp_path: Path) -> None:
    with contextlib.ExitStack() as listening:
        one = Stack(tmp_path / "one")
        for port in one.ports.values():
            listening.enter_context(socket.create_server(("127.0.0.1", port)))
        two = Stack(tmp_path / "two")
    assert not set(one.ports.values()) & set(two.ports.values())
    assert one.settings.instance != two.settings.instance
    assert one.settings.database_url != two.settings.database_url


@pytest.mark.usefixtures("alone")
def test_a_port_given_is_the_one_of_the_api(tmp_path: Path) -> None:
    stack = Stack(tmp_path, port=8123)
    assert stack.url == "http://127.0.0.1:8123"
    assert "api" not in json.loads((tmp_path / "ports.json").read_text())


@pytest.mark.usefixtures("alone")
def test_another_program_takes_the_place_of_the_worker(tmp_path: Path) -> None:
    other = Program("worker", ("other",))
    assert other in Stack(tmp_path, worker=other)._programs
    assert programs.worker() not in Stack(tmp_path, worker=other)._programs
    assert programs.worker() in Stack(tmp_path)._programs


@pytest.mark.usefixtures("alone")
def test_servers_that_are_named_are_used_instead_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "redis.url").write_text("redis://elsewhere:6379/0\n")
    named = {"DATABASE_URL": "postgresql://elsewhere/shipd", "REDIS_URL_FILE": str(tmp_path / "redis.url")}
    stack = Stack(tmp_path, environ=named)
    assert stack.servers == []
    assert stack.settings.database_url == "postgresql://elsewhere/shipd"
    assert stack.settings.redis_url == "redis://elsewhere:6379/0"


@pytest.mark.usefixtures("alone")
def test_a_server_that_cannot_start_leaves_no_process(tmp_path: Path) -> None:
    stack = Stack(tmp_path, durable=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stack.ports["valkey"]))
        taken.listen()
        with pytest.raises(ProgramError, match="valkey is FATAL"):
            stack.start()
    shown = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in shown if str(tmp_path) in command]
    assert lock.owner(tmp_path / "lock") is None
    assert ports.is_free(stack.ports["postgres"])


@pytest.mark.usefixtures("alone")
def test_what_is_set_in_the_environment_is_not_chosen_again(tmp_path: Path) -> None:
    stack = Stack(tmp_path, environ={"SHIPD_INSTANCE": "mine", "SHIPD_CGROUPS": "none"})
    assert (stack.settings.instance, stack.settings.cgroups) == ("mine", "none")
    assert stack.environ["PATH"] == os.environ["PATH"]


@pytest.mark.usefixtures("alone")
def test_its_programs_may_be_arranged_otherwise(tmp_path: Path) -> None:
    more = Program("more", ("sleep", "60"))
    stack = Stack(tmp_path, arranged=lambda usual: [*(one for one in usual if one.name != "flower"), more])
    names = set(stack.supervisor._programs)
    assert names == {"postgres", "valkey", "beat", "api", "stream", "worker", "deliver", "more"}
