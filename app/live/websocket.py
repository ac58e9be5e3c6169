"""Events over a WebSocket, and what is typed on the way back.

One greenlet (or thread) writes events; the one that the request came in reads. Frames are wsproto's; there is no
compression, which would cost each connection more memory than all else about it.
"""

import json
import socket
import threading
from collections.abc import Iterator

from flask import Response, request
from werkzeug.wsgi import ClosingIterator
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.events import Event as Frame
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, generate_accept_token

from app.live.handshake import SUBPROTOCOL
from app.live.streams import Streams
from app.live.taken import Listen
from app.live.typed import MAX_MESSAGE_BYTES, Allowance, RefusedError, read
from domain.errors import Unavailable
from domain.following import Following
from domain.live import Event
from domain.logging import logger

GOODBYE_S = 2.0
"""So long the client's own end of the connection is waited for."""
RECEIVE_BYTES = 4096

log = logger(__name__)


class Switched(Response):
    """`101 Switching Protocols`, whose body is no body: it is run once the head is written."""

    default_mimetype = None

    def get_app_iter(self, environ: object) -> ClosingIterator:
        """Give the session; Werkzeug itself would give nothing for a status without a body."""
        del environ
        return ClosingIterator(self.iter_encoded(), self.close)


def answer(following: Following, client: socket.socket, task: Listen, streams: Streams) -> Response:
    """Answer with all that is followed, and take what is typed."""
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": generate_accept_token(request.headers["Sec-WebSocket-Key"].encode()).decode(),
    }
    if task.subprotocol:
        headers["Sec-WebSocket-Protocol"] = SUBPROTOCOL
    session = Session(following, client, task, streams)
    found = Switched(session.run(), status=101, headers=headers)
    found.call_on_close(following.close)
    return found


class Session:
    """One open WebSocket."""

    def __init__(self, following: Following, client: socket.socket, task: Listen, streams: Streams) -> None:
        self._following = following
        self._client = client
        self._task = task
        self._streams = streams
        self._frames = Connection(ConnectionType.SERVER)
        self._sending = threading.Lock()
        self._gone = threading.Event()
        self._allowance = Allowance()
        self._said: list[str] = []
        self._said_bytes = 0
        self._refused = False

    def run(self) -> Iterator[bytes]:
        """Have the head written, then go on up to the end of the connection."""
        yield b""
        writer = threading.Thread(target=self._write, daemon=True)
        writer.start()
        try:
            self._read()
        finally:
            self._gone.set()
            self._following.quit()
            writer.join()

    def _write(self) -> None:
        try:
            for event in self._following.events():
                self._send(Ping() if event is None else TextMessage(data=text(event)))
            if self._following.ended:
                self._close(CloseReason.NORMAL_CLOSURE, "done")
            else:
                self._close(CloseReason.GOING_AWAY, "come back with last_event_id")
        except OSError:
            log.debug("websocket_client_gone")
        finally:
            # Whoever reads ends now, even if the client says nothing more.
            self._gone.wait(GOODBYE_S)
            _end_reading(self._client)

    def _read(self) -> None:
        try:
            while self._frames.state is not ConnectionState.CLOSED and (data := self._client.recv(RECEIVE_BYTES)):
                self._frames.receive_data(data)
                for frame in self._frames.events():
                    self._take(frame)
        except OSError:
            log.debug("websocket_client_gone")

    def _take(self, frame: Frame) -> None:
        if self._refused and not isinstance(frame, CloseConnection):
            return
        try:
            self._act_on(frame)
        except RefusedError as error:
            # Its own goodbye is read all the same: a connection that is closed with something unread is reset, and
            # the client might never see why.
            self._refused = True
            self._close(error.code, error.reason)
            self._following.quit()

    def _act_on(self, frame: Frame) -> None:
        match frame:
            case Ping():
                self._allowance.take(0)
                self._send(frame.response())
            case CloseConnection() if self._frames.state is ConnectionState.OPEN:
                # Nobody closes: what came is no frame, and this is what to say of it.
                raise RefusedError(CloseReason(frame.code), frame.reason or "not the WebSocket protocol")
            case CloseConnection():
                self._gone.set()
                self._send(frame.response())
            case TextMessage():
                self._said.append(frame.data)
                # An empty piece takes room as well.
                self._said_bytes += len(frame.data) + 1
                if self._said_bytes > MAX_MESSAGE_BYTES:
                    raise RefusedError(CloseReason.MESSAGE_TOO_BIG, f"more than {MAX_MESSAGE_BYTES} bytes")
                if frame.message_finished:
                    whole, self._said, self._said_bytes = "".join(self._said), [], 0
                    self._type(whole)
            case BytesMessage():
                raise RefusedError(CloseReason.UNSUPPORTED_DATA, "messages are text, in JSON")

    def _type(self, said: str) -> None:
        self._allowance.take(len(said))
        data = read(said)
        if self._task.no_stdin is not None:
            raise RefusedError(CloseReason.POLICY_VIOLATION, self._task.no_stdin)
        try:
            if not self._streams.type(self._task.execution_id, data):
                raise RefusedError(CloseReason.POLICY_VIOLATION, "too much was typed into this run")
        except Unavailable as error:
            log.warning("typed_in_vain", error=str(error))
            raise RefusedError(CloseReason.INTERNAL_ERROR, "it cannot be passed on now; try again") from None

    def _close(self, code: CloseReason, reason: str) -> None:
        self._send(CloseConnection(code=code, reason=reason))

    def _send(self, frame: Frame) -> None:
        """Write one frame. What comes after either side said that it closes is not written."""
        with self._sending:
            try:
                data = self._frames.send(frame)
            except LocalProtocolError:
                return
            self._client.sendall(data)


def text(event: Event) -> str:
    """Write one event as a message; its data is JSON already."""
    head = json.dumps({"id": event.id, "event": event.name})
    return f'{head[:-1]}, "data": {event.data}}}'


def _end_reading(client: socket.socket) -> None:
    try:
        client.shutdown(socket.SHUT_RD)
    except OSError:
        return  # it has ended by itself
