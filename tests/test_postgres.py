"""The PostgreSQL server that tests stand on."""

from __future__ import annotations

import psycopg
import pytest


def _ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        (answer,) = connection.execute(question).fetchone() or (None,)
        return answer


def test_each_test_has_a_database_of_its_own(make_database):
    one, other = make_database(), make_database()
    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE t (n bigint)")
    assert _ask(one, "SELECT to_regclass('t') IS NULL") is False
    assert _ask(other, "SELECT to_regclass('t') IS NULL") is True


def test_a_server_that_was_killed_comes_back_at_its_address_with_what_was_committed(own_postgres):
    url = own_postgres.make_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE t (n bigint)")
    own_postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        _ask(url, "SELECT 1")
    own_postgres.start()
    assert _ask(url, "SELECT count(*) FROM t") == 0
