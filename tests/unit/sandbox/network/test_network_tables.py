from pathlib import Path

import pytest

from sandbox.network import host

DEV = """Inter-|   Receive                        |  Transmit
 face |bytes    packets and so on multicast|bytes    packets and so on compressed
    lo:    5       1    0    0    0     0          0         0        5       1    0    0    0     0       0          0
shipdabcde-1: 100   3    0    0    0     0          0         0       23       1    0    0    0     0       0          0
"""
ROUTE = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
wlan0	00000000	010200C0	0003	0	0	9	00000000	0	0	0
"""
TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
Local:
     |-- 192.0.2.2
        /32 host LOCAL
"""


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kernel's tables of a host."""
    for name, text in {"dev": DEV, "route": ROUTE, "fib_trie": TRIE}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(host, "TABLES", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("tables")
def test_it_reads_the_tables_of_the_kernel() -> None:
    assert host.counted("shipdabcde-1") == 123
    assert host.counted("shipdabcde-2") is None
    assert host.uplinks() == ["eth0", "wlan0"]
    assert list(map(str, host.own_addresses())) == ["127.0.0.1", "192.0.2.2"]


def test_names_of_links_are_short_enough_and_differ_between_instances() -> None:
    names = [host.prefix(instance) for instance in ("shipd", "a" * 32, "test-1", "test-2")]
    assert len(set(names)) == 4
    assert all(len(name) + len("4095") <= 15 for name in names)


def test_names_of_tables_differ_between_instances() -> None:
    assert host.table("a-b") == "shipd_a_b"
