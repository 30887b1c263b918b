"""What is saved under a lease is saved with the check of it, in one transaction, or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from anew.server.group.database import Database
from anew.server.group.leases import Lease, LeaseLost, Leases
from anew.stores.catalog.postgres import PostgresCatalog
from anew.stores.catalog.protocol import Batch


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url)
    for experiment in ("a", "b"):
        made.do("INSERT INTO lease (experiment) VALUES (%s)", (experiment,))
        made.do("INSERT INTO work (experiment, since) VALUES (%s, now())", (experiment,))
    yield made
    made.close()


@pytest.fixture
def catalog(url: str) -> Iterator[PostgresCatalog]:
    made = PostgresCatalog(url)
    made.create()
    made.finish()
    assert made.is_in(url)
    yield made
    made.close()


def saved(catalog: PostgresCatalog) -> dict[str, str]:
    return dict(catalog.outstanding().marks)


def save(catalog: PostgresCatalog, leases: Leases, mine: list[Lease], text: str) -> None:
    batch = Batch(marks={"who": text})
    catalog.save(batch, guard=lambda connection: leases.hold(connection, mine))


def test_who_holds_the_leases_saves_and_has_them_for_longer(database, catalog):
    leases = Leases(database, "one", seconds=60.0)
    mine = leases.take(9)
    before = database.ask("SELECT min(until) FROM lease")
    save(catalog, leases, mine, "one")
    assert saved(catalog) == {"who": "one"}
    assert database.ask("SELECT min(until) FROM lease") > before
    assert Leases(database, "two").take(9) == []


@pytest.mark.parametrize("lost", [0, 1])
def test_who_lost_one_of_them_saves_nothing(database, catalog, lost):
    slow, other = Leases(database, "slow", seconds=0.0), Leases(database, "other")
    mine = slow.take(9)
    (taken,) = other.take(9, only=[mine[lost].experiment])
    with pytest.raises(LeaseLost):
        save(catalog, slow, mine, "slow")
    assert saved(catalog) == {}
    save(catalog, other, [taken], "other")
    assert saved(catalog) == {"who": "other"}


def test_while_somebody_saves_nobody_takes_their_lease_even_if_it_has_ended(database, catalog):
    slow, other = Leases(database, "slow", seconds=0.0), Leases(database, "other")
    mine = slow.take(9)
    tried: list[Any] = []

    def guard(connection: psycopg.Connection[Any]) -> None:
        slow.hold(connection, mine)
        tried.append(other.take(9))

    catalog.save(Batch(marks={"who": "slow"}), guard=guard)
    assert tried == [[]]
    assert saved(catalog) == {"who": "slow"}
    assert len(other.take(9)) == 2


def test_who_loses_the_connection_that_holds_them_saves_nothing(url, database, catalog):
    slow, other = Leases(database, "slow", seconds=0.0), Leases(database, "other")
    mine = slow.take(9)
    taken: list[Lease] = []

    def guard(connection: psycopg.Connection[Any]) -> None:
        slow.hold(connection, mine)
        with contextlib.closing(psycopg.connect(url, autocommit=True)) as own:
            own.execute("SELECT pg_terminate_backend(%s, 10000)", (connection.info.backend_pid,))
        taken.extend(other.take(9))  # it is taken before the first one goes on

    with pytest.raises(OSError, match="cannot be used"):
        catalog.save(Batch(marks={"who": "slow"}), guard=guard)
    assert len(taken) == 2
    assert saved(catalog) == {}
    save(catalog, other, taken, "other")
    with pytest.raises(LeaseLost):
        save(catalog, slow, mine, "slow")
    assert saved(catalog) == {"who": "other"}
