"""Connections to a catalog: kept between questions, and lent to one asker at a time."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from anew.stores.catalog.sqlite.connection import SqliteConnection
from anew.stores.catalog.sqlite.files import Connections


@pytest.fixture
def connections(tmp_path: Path):
    connections = Connections(str(tmp_path / "some.db"))
    with connections.lent(writes=True) as connection:
        connection.execute("CREATE TABLE numbers (number)")
    yield connections
    connections.close()


def numbers(connections: Connections) -> list[int]:
    with connections.lent() as connection:
        return [row[0] for row in connection.execute("SELECT number FROM numbers")]


def test_a_connection_is_kept_for_the_next_question(connections):
    with connections.lent() as first:
        pass
    with connections.lent() as second:
        assert second is first


def test_askers_at_the_same_time_have_connections_of_their_own(connections):
    with connections.lent() as first, connections.lent() as second:
        assert second is not first


def test_what_is_written_is_committed_at_the_end_alone(connections):
    with connections.lent(writes=True) as connection:
        connection.execute("INSERT INTO numbers VALUES (1)")
        assert numbers(connections) == []
    assert numbers(connections) == [1]


@pytest.mark.parametrize("error", [KeyboardInterrupt, sqlite3.OperationalError])
def test_nothing_of_a_block_that_fails_is_kept(connections, error):
    with pytest.raises(error), connections.lent(writes=True) as connection:
        connection.execute("INSERT INTO numbers VALUES (1)")
        raise error
    assert numbers(connections) == []


def test_a_connection_is_not_used_again_after_an_error_of_the_database(connections):
    with pytest.raises(sqlite3.Error), connections.lent() as connection:
        connection.execute("SELECT * FROM nowhere")
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
    assert numbers(connections) == []


def test_connections_still_lent_are_closed_when_they_come_back(connections):
    with connections.lent() as connection:
        connections.close()
        assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")


def test_threads_take_turns_where_all_is_in_memory():
    connections = Connections(None)
    with connections.lent(writes=True) as connection:
        connection.execute("CREATE TABLE numbers (number)")

    def write() -> None:
        for _ in range(20):
            with connections.lent(writes=True) as connection:
                (top,) = connection.execute("SELECT count(*) FROM numbers").fetchone()
                connection.execute("INSERT INTO numbers VALUES (?)", (top,))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers(connections)) == list(range(80))
    connections.close()


def test_a_catalog_in_memory_outlives_a_block_that_fails():
    connections = Connections(None)
    with connections.lent(writes=True) as connection:
        connection.execute("CREATE TABLE numbers (number)")
    with pytest.raises(sqlite3.Error), connections.lent() as connection:
        connection.execute("SELECT * FROM nowhere")
    assert numbers(connections) == []
    connections.close()


@pytest.mark.parametrize("times", [1, 3])
def test_who_opens_a_file_that_is_being_removed_tries_again(connections, monkeypatch, times):
    left = [times]

    class Removed(SqliteConnection):
        """A connection whose file is gone when the journal is asked for: SQLite calls that an error of input and output."""

        def execute(self, sql, *values):
            if sql.startswith("PRAGMA journal_mode") and left[0]:
                left[0] -= 1
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHORT_READ
                raise error
            return super().execute(sql, *values)

    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "factory": Removed})
    )
    with connections.lent(), connections.lent() as second:  # a new one is made
        assert second.execute("SELECT count(*) FROM numbers").fetchone() == (0,)
    assert left == [0]


def test_a_file_that_is_no_catalog_is_not_tried_again(tmp_path):
    (tmp_path / "some.db").write_bytes(b"no database" * 1000)
    with pytest.raises(sqlite3.DatabaseError), Connections(str(tmp_path / "some.db")).lent():
        pass
