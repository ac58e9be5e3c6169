import os
from collections.abc import Callable, Mapping

import psycopg
import pytest

from domain.db import Database
from domain.errors import Unavailable
from standalone import ports
from tests.forked import forked

Rows = Callable[..., list[Mapping[str, object]]]


@pytest.fixture
def notes(rows: Rows) -> None:
    rows("CREATE TABLE notes (text text)")


def test_it_works(db: Database) -> None:
    db.ping()
    with db.transaction() as tx:
        assert tx.execute("SELECT 1 + 1").fetchone() == (2,)


def test_a_statement_is_planned_once_for_numbers_of_any_size(db: Database) -> None:
    with db.transaction() as tx:
        for number in [1, 70_000, 2**40] * 10:
            assert tx.execute("SELECT %s, 'sizes'", (number,)).fetchone() == (number, "sizes")
        known = tx.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%''sizes''%'").fetchall()

    assert len(known) == 1


@pytest.mark.usefixtures("notes")
def test_actions_run_in_order_after_the_commit_only(db: Database, rows: Rows) -> None:
    done: list[tuple[str, object]] = []

    def look(name: str) -> Callable[[], None]:
        return lambda: done.append((name, len(rows("SELECT text FROM notes"))))

    with db.transaction() as tx:
        tx.after_commit(look("first"))
        tx.execute("INSERT INTO notes VALUES ('a')")
        tx.after_commit(look("second"))
        assert done == []

    assert done == [("first", 1), ("second", 1)]


@pytest.mark.usefixtures("notes")
def test_no_action_runs_when_the_transaction_is_rolled_back(db: Database, rows: Rows) -> None:
    done: list[str] = []

    with pytest.raises(RuntimeError), db.transaction() as tx:
        tx.execute("INSERT INTO notes VALUES ('a')")
        tx.after_commit(lambda: done.append("never"))
        raise RuntimeError
    with db.transaction():
        pass  # the same connection: what was left on it is gone

    assert done == []
    assert rows("SELECT text FROM notes") == []


@pytest.mark.usefixtures("notes")
def test_no_action_runs_when_the_commit_fails(db: Database, rows: Rows) -> None:
    done: list[str] = []
    rows("ALTER TABLE notes ADD UNIQUE (text) DEFERRABLE INITIALLY DEFERRED")

    with pytest.raises(psycopg.IntegrityError), db.transaction() as tx:
        tx.after_commit(lambda: done.append("never"))
        tx.execute("INSERT INTO notes VALUES ('a'), ('a')")

    assert done == []


def test_an_action_may_open_a_transaction_of_its_own(database_url: str) -> None:
    single = Database(database_url, max_size=1)

    with single.transaction() as tx:
        tx.after_commit(single.ping)

    single.close()


@pytest.mark.usefixtures("notes")
def test_a_reader_cannot_write_and_sees_one_snapshot(db: Database, rows: Rows) -> None:
    with db.read() as tx:
        assert tx.execute("SELECT text FROM notes").fetchall() == []
        rows("INSERT INTO notes VALUES ('a')")
        assert tx.execute("SELECT text FROM notes").fetchall() == []
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), db.read() as tx:
        tx.execute("INSERT INTO notes VALUES ('b')")
    rows("INSERT INTO notes VALUES ('c')")  # on the same connection, which writes again


def test_it_is_unavailable_where_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.db.WAIT_S", 0.2)
    nowhere = Database(f"postgresql://shipd@127.0.0.1:{ports.choose(1)[0]}/shipd")

    with pytest.raises(Unavailable, match="does not answer"):
        nowhere.ping()

    nowhere.close()


def test_it_recovers_when_its_connections_were_cut(db: Database, postgres_url: str) -> None:
    with db.read() as tx:
        name = tx.info.dbname
    with psycopg.connect(postgres_url) as other:
        # Given time to end: a connection that is cut in the middle of a question is another matter.
        other.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", (name,))

    db.ping()


def test_a_connection_cut_in_a_transaction_is_unavailable(db: Database, postgres_url: str) -> None:
    with pytest.raises(Unavailable), db.transaction() as tx, psycopg.connect(postgres_url) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (tx.info.backend_pid,))
        tx.execute("SELECT 1")

    db.ping()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_process_has_connections_of_its_own(database_url: str) -> None:
    db = Database(database_url, max_size=1)
    with db.read() as tx:
        mine = tx.info.backend_pid
    reader, writer = os.pipe()

    def ask() -> None:
        with db.read() as tx:
            os.write(writer, str(tx.info.backend_pid).encode())
        db.close()

    os.waitpid(forked(ask), 0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        theirs = int(answer.read())

    assert theirs != mine
    with db.read() as tx:
        assert tx.info.backend_pid == mine
    db.close()


def test_times_are_utc_and_options_of_the_url_are_kept(database_url: str) -> None:
    own = Database(f"{database_url}?options=-c%20work_mem%3D5MB")

    with own.read() as tx:
        row = tx.execute("SELECT current_setting('timezone'), current_setting('work_mem')").fetchone()

    assert row == ("UTC", "5MB")
    own.close()


def test_it_can_be_used_again_after_it_was_closed(db: Database) -> None:
    db.ping()
    db.close()
    db.ping()
