import configparser
import shlex
import signal
from pathlib import Path

import pytest

from standalone import programs
from standalone.programs import Program


def _read(*given: Program, root: bool = False) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read_string(programs.configuration(given, socket="supervisor.sock", root=root))
    return parser


def test_every_program_has_its_section_and_starts_when_told() -> None:
    parser = _read(programs.api(8000), programs.worker(), programs.beat(), programs.deliver(), programs.flower(5555))
    sections = [name for name in parser.sections() if name.startswith("program:")]
    assert sections == ["program:api", "program:worker", "program:beat", "program:deliver", "program:flower"]
    assert all(parser[name]["autostart"] == "false" for name in sections)
    assert all(parser[name]["autorestart"] == "true" for name in sections)


def test_a_program_is_tied_to_supervisor() -> None:
    command = shlex.split(_read(Program("one", ("/opt/a b", "100%"))).get("program:one", "command"))
    assert command[command.index("--parent") + 1] == "%(ENV_SHIPD_TIED_PID)s"
    assert command[-2:] == ["/opt/a b", "100%%"]


def test_the_way_to_stop_one_is_its_own() -> None:
    section = _read(Program("db", ("postgres",), stop_signal=signal.SIGINT, stop_wait_s=7))["program:db"]
    assert (section["stopsignal"], section["stopwaitsecs"], section["killasgroup"]) == ("INT", "7", "true")


def test_the_worker_has_half_a_minute_to_finish() -> None:
    assert programs.worker().stop_wait_s == 30


def test_the_servers_stop_last() -> None:
    parser = _read(programs.api(8000), programs.worker(), Program("db", ("postgres",), group="servers"))
    assert parser.get("group:platform", "programs") == "api,worker"
    assert parser.get("group:servers", "programs") == "db"
    assert parser.getint("group:servers", "priority") < parser.getint("group:platform", "priority")


def test_everything_listens_on_this_machine_alone() -> None:
    assert "127.0.0.1:8000" in programs.api(8000).argv
    assert "--address=127.0.0.1" in programs.flower(5555).argv


def test_the_stream_process_takes_connections_from_its_own_user_alone() -> None:
    argv = programs.stream(Path("/state/stream.sock")).argv
    assert "unix:/state/stream.sock" in argv
    assert argv[argv.index("--umask") + 1] == "0o177"
    assert not any("127.0.0.1" in argument for argument in argv)


def test_a_path_that_no_socket_can_have_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="SHIPD_STREAM_SOCKET"):
        programs.stream(Path("/" + "x" * 110))


def test_supervisor_is_told_that_it_is_meant_to_be_root() -> None:
    assert _read(root=True).get("supervisord", "user") == "root"
    assert not _read().has_option("supervisord", "user")
