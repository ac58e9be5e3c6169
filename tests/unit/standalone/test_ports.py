import socket
from pathlib import Path

import pytest

from standalone import ports


def test_it_chooses_different_free_ports() -> None:
    chosen = ports.choose(5)
    assert len(set(chosen)) == 5
    assert all(ports.is_free(port) for port in chosen)


def test_they_are_below_those_lent_to_outgoing_connections() -> None:
    lowest_lent = int(ports.EPHEMERAL.read_text().split()[0])
    assert all(ports.LOWEST <= port < lowest_lent for port in ports.choose(20))


def test_a_port_that_someone_listens_on_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not ports.is_free(server.getsockname()[1])


def test_it_remembers_what_it_chose(tmp_path: Path) -> None:
    path = tmp_path / "var" / "ports.json"
    first = ports.remembered(path, ["api", "flower"])
    assert ports.remembered(path, ["api", "flower"]) == first


def test_a_name_that_comes_later_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    first = ports.remembered(path, ["api"])
    assert ports.remembered(path, ["api", "flower"])["api"] == first["api"]
    assert ports.remembered(path, ["flower"]).keys() == {"flower"}


def test_it_says_when_none_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    with pytest.raises(ports.PortTaken, match="no 1 free ports"):
        ports.choose(1)
