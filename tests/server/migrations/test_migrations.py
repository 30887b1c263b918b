"""Tables that are truth become newer ones: from every version, on each engine, once, and wholly or not at all."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from anew.errors import MissingDependency, UnknownFormat
from anew.journal.layout import RootLayout
from anew.postgres import is_postgres
from anew.server.callers import Role
from anew.server.group.database import Database
from anew.server.group.schema import SCHEMA as TRUTH_SCHEMA
from anew.server.group.versions import HISTORY as TRUTH
from anew.server.identity.accounts import Accounts
from anew.server.identity.postgres import SCHEMA as ACCOUNTS_SCHEMA
from anew.server.identity.versions import HISTORY as ACCOUNTS
from anew.server.migrations import postgres, sqlite
from anew.server.migrations.history import History

from . import filling
from .engines import (
    DUMPS,
    connected,
    made_from_dump,
    made_with_alembic,
    rows,
    stamped,
    tables,
)
from .made_up import FAILING, WORKING

VERSIONS = [one.revision for one in ACCOUNTS.versions]


@pytest.fixture
def file_of(accounts_at: str) -> str:
    """The file or the database of the accounts at an address."""
    if is_postgres(accounts_at):
        return accounts_at
    folder = Path(RootLayout(accounts_at).server)
    folder.mkdir(mode=0o700, parents=True)
    return str(folder / "accounts.db")


def filled(where: str, schema: str, statements: tuple[str, ...]) -> None:
    with connected(where) as connection:
        if is_postgres(where):
            connection.execute(f'SET search_path = "{schema}"')
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("how", ["versions", "dump"])
@pytest.mark.parametrize("version", VERSIONS)
def test_accounts_of_every_version_become_the_newest_with_all_that_they_hold(
    accounts_at, file_of, version, how, tmp_path, make_database
):
    if how == "dump":
        made_from_dump(file_of, f"accounts-{version}")
    else:
        made_with_alembic(file_of, ACCOUNTS, ACCOUNTS_SCHEMA, version)
        filled(file_of, ACCOUNTS_SCHEMA, filling.ACCOUNTS)
    Path(file_of).exists() and Path(file_of).chmod(0o600)
    accounts = Accounts(accounts_at)
    assert {one.name: (one.admin, one.roles) for one in accounts.users()} == {
        "Al": (True, {"*": "owner", "~Al": "owner"}),
        "Ärnst": (False, {"lab/*": "writer"}),
    }
    caller = accounts.of_token(filling.TOKEN)
    assert (caller.name, caller.role_in("lab/vision")) == ("Ärnst", Role.WRITER)
    assert accounts.of_session(filling.SESSION).admin
    assert accounts.shares.redeem(filling.SHARE).caller.role_in("lab/vision") is Role.READER
    (entry,) = accounts.audit.entries()
    assert (entry.number, entry.action, entry.target) == (1, "deleted", "a % b")
    # What is added now does not meet what was there.
    accounts.add_user("bo")
    accounts.create_token("t", Role.READER)
    accounts.audit.note("Al", "user:1", "user added")
    assert accounts.shares.create("lab", 1e11, "Al")[0].number == 2
    assert accounts.link_for("AL")
    accounts.close()
    # And the tables are those that a new one has.
    new = make_database() if is_postgres(accounts_at) else str(tmp_path / "new")
    Accounts(new).close()
    new_file = new if is_postgres(new) else str(Path(RootLayout(new).server) / "accounts.db")
    assert tables(file_of, ACCOUNTS_SCHEMA) == tables(new_file, ACCOUNTS_SCHEMA)


@pytest.mark.parametrize("how", ["versions", "dump"])
@pytest.mark.parametrize("version", [one.revision for one in TRUTH.versions])
def test_the_tables_of_a_group_become_the_newest_with_all_that_they_hold(
    make_database, version, how
):
    url, other = make_database(), make_database()
    if how == "dump":
        made_from_dump(url, f"truth-{version}")
    else:
        made_with_alembic(url, TRUTH, TRUTH_SCHEMA, version)
        filled(url, TRUTH_SCHEMA, filling.TRUTH)
    before = rows(url, TRUTH_SCHEMA)
    assert all(before.values())
    for one in (url, other):
        Database(one).close()
    assert tables(url, TRUTH_SCHEMA) == tables(other, TRUTH_SCHEMA)
    after = rows(url, TRUTH_SCHEMA)
    assert {name: len(found) for name, found in after.items()} == {
        name: len(found) for name, found in before.items()
    }
    if version == TRUTH.newest:
        assert after == before


@pytest.mark.parametrize(
    ("name", "history", "schema"),
    [("accounts", ACCOUNTS, ACCOUNTS_SCHEMA), ("truth", TRUTH, TRUTH_SCHEMA)],
)
def test_every_version_was_recorded_and_follows_on_the_one_before(name, history, schema):
    before = None
    for one in history.versions:
        assert one.down_revision == before
        for engine in one.STATEMENTS:
            assert (DUMPS / f"{name}-{one.revision}.{engine}.sql").exists()
        before = one.revision
    assert {Path(str(one.__file__)).stem for one in history.versions} == {
        path.stem for path in Path(history.folder).glob("v*.py")
    }


def test_servers_that_start_at_once_migrate_once(accounts_at, file_of, monkeypatch):
    made_from_dump(file_of, f"accounts-{VERSIONS[0]}")
    Path(file_of).exists() and Path(file_of).chmod(0o600)
    upgrades = []
    upgrade = postgres.upgrade
    monkeypatch.setattr(postgres, "upgrade", lambda *args: (upgrades.append(1), upgrade(*args)))
    ready, found = threading.Barrier(6), []

    def start() -> None:
        ready.wait(300)
        accounts = Accounts(accounts_at)
        found.append([one.name for one in accounts.users()])
        accounts.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert found == [["Al", "Ärnst"]] * 6
    assert len(upgrades) == (1 if is_postgres(accounts_at) else 0)


def test_what_a_newer_version_made_is_refused_and_left_alone(accounts_at, file_of, make_database):
    Accounts(accounts_at).close()
    stamped(file_of, ACCOUNTS_SCHEMA, "v999")
    before = tables(file_of, ACCOUNTS_SCHEMA)
    with pytest.raises(UnknownFormat):
        Accounts(accounts_at)
    assert tables(file_of, ACCOUNTS_SCHEMA) == before
    url = make_database()
    Database(url).close()
    stamped(url, TRUTH_SCHEMA, "v999")
    with pytest.raises(UnknownFormat):
        Database(url)


def _migrate(where: str, history: History) -> None:
    if is_postgres(where):
        postgres.migrate(where, history, "made_up")
        return
    with connected(where) as connection:
        sqlite.migrate(connection, history, where)


def test_versions_that_fail_leave_the_tables_as_they_were(accounts_at, file_of):
    with connected(file_of) as connection:
        if is_postgres(file_of):
            connection.execute("CREATE SCHEMA made_up")
    made_with_alembic(file_of, FAILING, "made_up", "v1")
    filled(file_of, "made_up", ("INSERT INTO things VALUES ('one')",))
    before = tables(file_of, "made_up")
    with pytest.raises((psycopg.Error, sqlite3.Error)):
        _migrate(file_of, FAILING)
    assert tables(file_of, "made_up") == before
    _migrate(file_of, WORKING)
    (row,) = rows(file_of, "made_up")["things"]
    assert "one" in row
    assert "3" in row


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_a_file_is_the_same_with_alembic_and_without_it(tmp_path, version):
    with_alembic, without = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    for one in (with_alembic, without):
        if version is not None:
            made_with_alembic(one, ACCOUNTS, "", version)
    made_with_alembic(with_alembic, ACCOUNTS, "", "head")
    _migrate_file(without)
    assert tables(with_alembic, "") == tables(without, "")


def _migrate_file(where: str) -> None:
    with connected(where) as connection:
        sqlite.migrate(connection, ACCOUNTS, where)


def test_a_server_on_a_folder_needs_no_alembic_and_one_of_a_group_only_for_new_versions(
    tmp_path, make_database: Callable[[], str], monkeypatch
):
    ready, new = make_database(), make_database()
    Accounts(ready).close()
    for name in [one for one in sys.modules if one.partition(".")[0] in ("alembic", "sqlalchemy")]:
        monkeypatch.delitem(sys.modules, name)
    blocked: dict[str, Any] = {"alembic": None, "sqlalchemy": None}
    for name, nothing in blocked.items():
        monkeypatch.setitem(sys.modules, name, nothing)
    for where in (str(tmp_path / "new"), ready):
        accounts = Accounts(where)
        assert accounts.users() == []
        accounts.close()
    with pytest.raises(MissingDependency):
        Accounts(new)


def test_a_user_of_the_database_who_makes_no_schemas_is_content_with_one_that_is_there(
    make_database,
):
    url = make_database()
    with psycopg.connect(url, autocommit=True) as connection:
        name = "r" + url.rpartition("/")[2]
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f'CREATE SCHEMA "{ACCOUNTS_SCHEMA}" AUTHORIZATION {name}')
    theirs = url.replace("//anew@", f"//{name}@")
    accounts = Accounts(theirs)
    accounts.add_user("al")
    accounts.close()
    with pytest.raises(OSError, match="cannot be used"):
        Database(theirs)  # whose schema is not there
