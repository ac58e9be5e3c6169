"""A TCP proxy between the platform and Redis, which a test has delay what passes, or drop every connection."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

READ_BYTES = 1 << 16
_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: a connection that is closed is reset."""


class Proxy:
    """Passes connections on to 127.0.0.1:`target`. Told what to do from any thread; runs in one of its own."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self._delay_s = 0.0
        self._refuses = False
        self.dropped = 0

    def delay(self, seconds: float) -> None:
        """Hold up all that passes by so long, each way."""
        self._delay_s = seconds

    def drop(self, *, refuse: bool) -> None:
        """Reset every connection, and those to come until told otherwise."""
        self._refuses = refuse
        self._loop.call_soon_threadsafe(self._reset)

    def take_again(self) -> None:
        """Pass on what comes from now on."""
        self._refuses = False

    def _reset(self) -> None:
        self.dropped += len(self._open)
        for writer in self._open:
            _abort(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            _abort(writer)
            return
        try:
            there, away = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # Redis is down: so is this
            _abort(writer)
            return
        self._open |= {writer, away}
        await asyncio.gather(self._pass(reader, away), self._pass(there, writer))
        self._open -= {writer, away}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # One side gone is a connection gone, whichever way.
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                writer.write(data)
                await writer.drain()
        writer.close()

    def run(self, ready: threading.Event) -> None:
        """Pass on until stopped."""
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        ready.set()
        self._loop.run_forever()
        server.close()
        self._reset()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def stop(self) -> None:
        """End it from another thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)


def _abort(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it is closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()


@contextmanager
def proxying(port: int, target: int) -> Iterator[Proxy]:
    """Run a proxy for the block."""
    proxy, ready = Proxy(port, target), threading.Event()
    thread = threading.Thread(target=proxy.run, args=(ready,), name=f"proxy {port}", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()
