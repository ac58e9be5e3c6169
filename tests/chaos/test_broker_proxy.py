"""The proxy passes on, holds up and drops as it is told."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from standalone import ports
from tests.chaos.broker_proxy import Proxy, proxying

DELAY_S = 0.2


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(100):
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Server(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with proxying(ports.choose(1)[0], server.server_address[1]) as running:
            yield running
        server.shutdown()
        thread.join()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def asked(connection: socket.socket) -> bytes:
    connection.sendall(b"hello")
    return connection.recv(100)


def test_it_passes_on_both_ways(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert asked(connection) == b"hello"


def test_it_holds_up_what_passes_each_way(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        proxy.delay(DELAY_S)
        began = time.monotonic()
        assert asked(connection) == b"hello"
        assert time.monotonic() - began >= 2 * DELAY_S


def test_it_drops_all_connections_and_takes_others_when_told_to(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert asked(connection) == b"hello"
        proxy.drop(refuse=True)
        with pytest.raises(ConnectionError):
            connection.recv(100)
    with pytest.raises(ConnectionError), connect(proxy) as refused:
        refused.sendall(b"hello")
        if refused.recv(100) == b"":
            raise ConnectionResetError
    proxy.take_again()
    with connect(proxy) as connection:
        assert asked(connection) == b"hello"
    assert proxy.dropped >= 1
