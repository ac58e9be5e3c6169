"""PostgreSQL: a pool opened when first used, short transactions, and work left for after their commit.

What costs here is not the statements but waiting for their answers: each wait is a change of processes on both sides.
So what is done for every submission is one statement, however many tables it is about, and needs no BEGIN; where it
takes several they are sent in one go; and a connection from the pool is asked nothing to see that it lives.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal, Self, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.types.numeric import Int8Dumper
from psycopg_pool import ConnectionPool, PoolTimeout

from domain import counted
from domain.errors import Unavailable
from domain.forking import unforked
from domain.logging import logger

WAIT_S = 5.0
"""How long a caller waits for a connection before it is told that there is none."""
SILENT_S = 35.0
"""How long a server may say nothing: it ends each statement before that, so it is frozen, or its host is gone."""
LOOK_S = 0.1
"""psycopg's own: how often it looks up from waiting."""

Pooler = Literal["none", "transaction"]
"""What stands before PostgreSQL: nothing, or what gives each transaction any of its connections (PgBouncer)."""
BY_VALUES = b"SELECT set_config('plan_cache_mode', 'auto', true), set_config('enable_seqscan', 'on', true)"
"""Within a transaction: what follows is planned with its values, which may mean three rows or half of all."""

# Nothing of ours takes this long; what does is stuck, and holds a connection that others wait for.
_TIMEOUTS = {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "60s", "lock_timeout": "10s"}
# Of a statement over partitions PostgreSQL thinks that it is cheaper to plan it anew, for the one that it looks into,
# each time; looking into that one alone by a plan for all of them is (docs/decisions/0035). Such a plan outlives what
# it was made for: one that reads an empty partition from end to end still does when thousands of rows are in it.
_PLANS = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
_SESSION = " ".join(f"-c {name}={value}" for name, value in {"timezone": "UTC", **_TIMEOUTS, **_PLANS}.items())
CONNECT_QUERY = "SET " + "; SET ".join(f"{name} = '{value}'" for name, value in _TIMEOUTS.items())
"""What a pooler is to say first on each of its own connections, for it takes no options of ours (docs/scaling.md)."""

log = logger(__name__)

Answer = TypeVar("Answer")
Cursor = psycopg.Cursor[TupleRow]


class Connection(psycopg.Connection[TupleRow]):
    """A psycopg connection on which work can be left for after the commit."""

    _after: tuple[Callable[[], None], ...] = ()

    @classmethod
    def connect(cls, conninfo: str = "", **given: Any) -> Self:
        """Connect; no process is forked meanwhile."""
        with unforked():
            return super().connect(conninfo, **given)

    def after_commit(self, action: Callable[[], None]) -> None:
        """Have `action` called once the transaction is committed, in the order left; never if it is rolled back."""
        self._after = (*self._after, action)

    def wait(self, gen: PQGen[Answer], interval: float = LOOK_S, timeout: float | None = None) -> Answer:
        """Wait for what the server answers. Raises OperationalError where it is silent for too long."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, SILENT_S)
        except psycopg.errors._WaitTimeout as error:  # noqa: SLF001 - what psycopg raises for that has no other name
            self.pgconn.finish()  # an answer that came later would be taken for that to the next statement
            raise psycopg.OperationalError(f"the server said nothing for {SILENT_S:g} s") from error

    def left(self) -> tuple[Callable[[], None], ...]:
        """Take what was left so far."""
        actions, self._after = self._after, ()
        return actions

    def run(self, command: bytes, values: Sequence[object]) -> Cursor:
        """Execute a statement that has PostgreSQL's own placeholders, `$1` and so on.

        Those of psycopg are looked for each time where there are more than 50 values, which takes longer than the rest.
        The answer comes in binary: arrays of long values would be several times as long as text.
        """
        return psycopg.RawCursor(self).execute(command, values, binary=True)


class Database:
    """A pool of connections to one database, safe to share between threads and to carry over a fork.

    The pool is made at the first use, and made anew in a child process: connections must not be shared by two.
    Behind a `pooler` nothing is left on a connection from one transaction to the next: no prepared statements.
    """

    def __init__(self, url: str, *, min_size: int = 1, max_size: int = 8, pooler: Pooler = "none") -> None:
        self._url = url
        self._pooler = pooler
        self._sizes = (min_size, max_size)
        # By process: a child never touches what it inherited, for closing a connection there would end the parent's
        # session, and another thread may have held the lock at the fork.
        self._pools: dict[int, ConnectionPool[Connection]] = {}
        self._locks: dict[int, threading.Lock] = {}

    @contextmanager
    def statement(self) -> Iterator[Connection]:
        """Give a connection on which every statement is a transaction of its own: for one. Raises Unavailable."""
        with self._connection("statement") as connection:
            yield connection

    @contextmanager
    def transaction(self, *, pipelined: bool = False) -> Iterator[Connection]:
        """Open a transaction: committed at the end of the block, rolled back by an exception.

        One that is `pipelined` sends its statements, BEGIN and COMMIT too, without waiting for answers: cursors may be
        read in the block, which waits, or after it; they have no `rowcount` before. What the server refuses may be
        raised by a later statement, or at the end. Raises Unavailable where PostgreSQL does not answer or gives up.
        """
        with self._connection("transaction") as connection:
            with _pipeline(connection, pipelined), connection.transaction():
                yield connection
            actions = connection.left()
        # The connection is back in the pool: an action may take its time, or open a transaction of its own.
        for action in actions:
            action()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads, all of it one snapshot, planned by values. Raises Unavailable."""
        with self._connection("read") as connection:
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            try:
                with connection.transaction():
                    connection.execute(BY_VALUES)
                    yield connection
            finally:
                if not connection.closed:
                    connection.read_only = None
                    connection.isolation_level = None

    def ping(self) -> None:
        """Ask PostgreSQL for an answer. Raises Unavailable."""
        with self._connection("ping") as connection:
            connection.execute("SELECT 1")

    def close(self) -> None:
        """Close every connection of this process; the database may be used again afterwards."""
        with self._lock:
            pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.close()

    @property
    def _lock(self) -> threading.Lock:
        return self._locks.setdefault(os.getpid(), threading.Lock())

    @contextmanager
    def _connection(self, kind: str) -> Iterator[Connection]:
        asked_at = time.perf_counter()
        try:
            with self._pool().connection(timeout=WAIT_S) as connection:
                given_at = time.perf_counter()
                counted.DATABASE_WAIT.note(given_at - asked_at)
                connection.left()  # by a transaction that was rolled back
                try:
                    yield connection
                finally:
                    # What failed at the end of a pipeline is not rolled back yet.
                    if connection.info.transaction_status is TransactionStatus.INERROR:
                        connection.rollback()
                    counted.DATABASE.note(time.perf_counter() - given_at, kind)
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
            counted.DATABASE_AWAY.add()
            raise Unavailable(f"the database does not answer: {error}; try again") from error

    def _pool(self) -> ConnectionPool[Connection]:
        pool = self._pools.get(os.getpid())
        if pool is None:
            with self._lock:
                pool = self._pools.get(os.getpid()) or self._pools.setdefault(os.getpid(), self._make())
        return pool

    def _make(self) -> ConnectionPool[Connection]:
        minimum, maximum = self._sizes
        behind = self._pooler == "transaction"
        return ConnectionPool(
            self._url,
            connection_class=Connection,
            kwargs={
                **({"prepare_threshold": None} if behind else {"options": self._options()}),
                "connect_timeout": int(WAIT_S),
                # A host that vanished is found out even by a connection that nothing is sent on.
                "keepalives_idle": 15,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 30_000,
                # A statement outside of `transaction` is one by itself.
                "autocommit": True,
            },
            min_size=minimum,
            max_size=maximum,
            # Its pauses double: given up soon and begun anew by whoever asks next, they never become minutes.
            reconnect_timeout=WAIT_S,
            configure=_configure_behind if behind else _configure,
            check=_check,
            open=True,
        )

    def _options(self) -> str:
        own = conninfo_to_dict(self._url).get("options") or ""
        return f"{_SESSION} {own}".strip()


def _pipeline(connection: Connection, pipelined: bool) -> AbstractContextManager[object]:
    return connection.pipeline() if pipelined else nullcontext()


def _configure(connection: Connection) -> None:
    """Send all whole numbers as 64 bits.

    By default their size tells their type, and a statement is planned anew for every mixture of types.
    """
    connection.adapters.register_dumper(int, Int8Dumper)


def _configure_behind(connection: Connection) -> None:
    """Do so behind a pooler, which keeps a time zone for each of its clients; look whether there are time-outs."""
    _configure(connection)
    connection.execute("SET timezone = 'UTC'")
    row = connection.execute(f"SELECT {', '.join(f'current_setting({name!r})' for name in _TIMEOUTS)}").fetchone()
    missing = [name for name, value in zip(_TIMEOUTS, row or (), strict=True) if value == "0"]
    if missing:
        hint = f"set connect_query for this database in pgbouncer.ini: {CONNECT_QUERY}"
        log.warning("pooler_without_timeouts", missing=missing, hint=hint)


def _check(connection: Connection) -> None:
    """Raise OperationalError for a connection that was cut while it lay in the pool.

    A server that ended it has said so, and there is something to read: only then it is asked. A question each time
    would cost a round trip.
    """
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        ConnectionPool.check_connection(connection)
