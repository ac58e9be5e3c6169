import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from standalone import ports
from standalone.servers import Postgres, Server, ServerError, Valkey
from tests.waiting import eventually

OWNER = """
import sys
from pathlib import Path
from standalone.servers import Postgres, Valkey
server = {"postgres": Postgres, "valkey": Valkey}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


def _server(kind: type[Server], folder: Path) -> Server:
    return kind(folder, ports.choose(1)[0])


def _listening(pid: int) -> set[str]:
    connections = psutil.Process(pid).net_connections()
    return {str(found.laddr[0]) for found in connections if found.status == psutil.CONN_LISTEN}


@pytest.fixture(params=[Postgres, Valkey])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Server:
    return _server(request.param, tmp_path)


def test_it_starts_answers_and_leaves_no_process(server: Server) -> None:
    with server:
        eventually(server.answers)
        assert server.pid is not None
        process = psutil.Process(server.pid)
    assert not process.is_running()
    assert not server.answers()


def test_it_listens_on_this_machine_alone(server: Server) -> None:
    with server:
        assert server.pid is not None
        assert _listening(server.pid) == {"127.0.0.1"}
        assert {str(found.laddr) for found in psutil.Process(server.pid).net_connections("unix")} <= {""}


def test_its_password_is_in_a_file_for_its_owner_and_not_on_a_command_line(server: Server) -> None:
    with server:
        assert server.pid is not None
        assert server.password not in " ".join(psutil.Process(server.pid).cmdline())
    assert (server.folder / "password").stat().st_mode & 0o777 == 0o600


def test_starting_twice_on_one_port_is_an_error_with_the_servers_own_words(server: Server, tmp_path: Path) -> None:
    with server, pytest.raises(ServerError, match=r"(?s)ended while starting.*[Aa]ddress already in use"):
        type(server)(tmp_path / "other", server.port).start()


@pytest.mark.parametrize("kind", ["postgres", "valkey"])
def test_it_ends_when_whoever_started_it_is_killed(kind: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", OWNER, kind, str(tmp_path), str(ports.choose(1)[0])]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        process = psutil.Process(int(owner.stdout.readline()))
        family = [process, *process.children(recursive=True)]
        owner.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=20)
    assert not [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]


def test_postgres_wants_its_password(tmp_path: Path) -> None:
    with Postgres(tmp_path, ports.choose(1)[0], durable=False) as server, pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url.replace(server.password, "wrong"))


def test_postgres_keeps_what_was_written(tmp_path: Path) -> None:
    port = ports.choose(1)[0]
    with Postgres(tmp_path, port) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'this' AS word")
    with Postgres(tmp_path, port) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT word, current_database()::text FROM kept").fetchone() == ("this", "shipd")


def test_postgres_leaves_nothing_half_made(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    failing = tmp_path / "bin" / "initdb"
    failing.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    failing.chmod(0o755)
    server = Postgres(tmp_path / "state", 1, environ={**os.environ, "PG_BINDIR": str(failing.parent)})
    with pytest.raises(ServerError, match="no room"):
        server.prepare()
    assert not (tmp_path / "state" / "data").exists()


def test_valkey_wants_its_password(tmp_path: Path) -> None:
    with Valkey(tmp_path, ports.choose(1)[0]) as server:
        client = redis.Redis.from_url(server.url.replace(server.password, "wrong"))
        with pytest.raises(redis.AuthenticationError):
            client.ping()
        client.close()


def test_valkey_keeps_what_was_written(tmp_path: Path) -> None:
    port = ports.choose(1)[0]
    with Valkey(tmp_path, port) as server, redis.Redis.from_url(server.url) as client:
        client.set("kept", "this")
    with Valkey(tmp_path, port) as server, redis.Redis.from_url(server.url) as client:
        assert client.get("kept") == b"this"


def test_the_seams_name_other_binaries(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path, 1, environ={"REDIS_BIN": "/opt/redis-server"})
    assert valkey.argv()[0] == "/opt/redis-server"
    postgres = Postgres(tmp_path, 1, environ={"PG_BINDIR": "/opt/pg/bin"})
    assert "/opt/pg/bin/postgres" in postgres.argv()


def test_stopping_one_that_was_not_started_does_nothing(server: Server) -> None:
    server.stop()
    assert server.pid is None


def test_one_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("standalone.servers.STOP_S", 0)
    server = Valkey(tmp_path, ports.choose(1)[0])
    server.start()
    server.stop_signal = signal.SIGCONT  # type: ignore[misc] # of this one alone
    server.stop()
    assert not server.answers()


def test_one_that_never_answers_is_given_up(tmp_path: Path) -> None:
    server = Valkey(tmp_path, ports.choose(1)[0])
    with pytest.raises(ServerError, match="valkey does not answer after 0 s: it left no log"):
        server.wait(lambda: True, timeout_s=0)
