"""The catalog in a SQLite file: every promise of the seam, and files that break or vanish."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from anew.stores.catalog import schema as s
from anew.stores.catalog import sqlite
from anew.stores.catalog.sqlite import SqliteCatalog
from anew.testing.catalog import CatalogContract, entry_of


class TestFile(CatalogContract):
    @pytest.fixture
    def catalog(self, tmp_path: Path):
        catalog = SqliteCatalog(str(tmp_path / "experiments.db"))
        catalog.create()
        yield catalog
        catalog.close()


class TestFileOnANetwork(CatalogContract):
    @pytest.fixture
    def catalog(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(sqlite, "_file_system", lambda folder: "nfs4")
        catalog = SqliteCatalog(str(tmp_path / "experiments.db"))
        catalog.create()
        yield catalog
        catalog.close()

    def test_a_reader_sees_one_state_while_another_writes(self, catalog) -> None:
        """Without the write-ahead log a writer waits for the readers: there is nothing to see."""

    def test_no_write_ahead_log_is_kept(self, catalog, tmp_path: Path):
        self.save(catalog, entry_of("a"))
        assert [p.name for p in tmp_path.iterdir()] == ["experiments.db"]


class TestMemory(CatalogContract):
    @pytest.fixture
    def catalog(self):
        catalog = SqliteCatalog(None)
        catalog.create()
        yield catalog
        catalog.close()

    def test_a_reader_sees_one_state_while_another_writes(self, catalog) -> None:
        """One connection is all there is."""

    def test_writers_take_turns(self, catalog) -> None:
        """One connection is all there is, for one thread."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "experiments.db"


def filled(path: Path) -> SqliteCatalog:
    catalog = SqliteCatalog(str(path))
    catalog.create()
    with catalog.writing() as connection:
        catalog.save(connection, [entry_of(f"id{i}", params={"lr": i}) for i in range(500)])
    catalog.finish()
    catalog.close()
    return SqliteCatalog(str(path))


def everything(catalog: SqliteCatalog) -> int:
    with catalog.reading() as connection:
        return sum(len(connection.execute(select(t)).all()) for t in (s.experiments, s.documents))


@pytest.mark.parametrize("how", ["garbage", "truncated", "text", "half"])
def test_a_damaged_file_is_recognised_and_can_be_made_anew(path: Path, how: str):
    filled(path).close()
    data = path.read_bytes()
    path.write_bytes(
        {
            "garbage": os.urandom(len(data)),
            "truncated": data[: len(data) // 3],
            "text": b"not a database at all" * 100,
            "half": data[:4096] + os.urandom(len(data) - 4096),
        }[how]
    )
    catalog = SqliteCatalog(str(path))
    if catalog.usable():  # the first page may be whole
        with pytest.raises(DBAPIError) as error:
            everything(catalog)
        assert catalog.is_damage(error.value)
    catalog.create()
    assert catalog.usable()
    assert everything(catalog) == 0
    catalog.close()


def test_an_empty_file_is_no_catalog_and_no_error(path: Path):
    path.write_bytes(b"")
    catalog = SqliteCatalog(str(path))
    assert not catalog.usable()
    catalog.create()
    assert catalog.usable()
    catalog.close()


def test_a_catalog_of_another_layout_is_not_usable(path: Path, monkeypatch):
    catalog = filled(path)
    monkeypatch.setattr(s, "SCHEMA_VERSION", s.SCHEMA_VERSION + 1)
    assert not catalog.usable()
    catalog.create()
    assert catalog.usable()
    catalog.close()


def test_a_file_deleted_under_an_open_catalog_is_noticed(path: Path):
    catalog = filled(path)
    assert everything(catalog) == 1000
    for file in path.parent.iterdir():
        file.unlink()
    assert not catalog.usable()
    catalog.create()
    assert everything(catalog) == 0
    catalog.close()


def test_a_log_left_without_its_file_is_not_played_into_the_next_one(path: Path, tmp_path: Path):
    catalog = SqliteCatalog(str(path))
    catalog.create()
    with catalog.writing() as connection:
        catalog.save(connection, [entry_of("late")])
    killed = tmp_path / "killed"
    killed.mkdir()
    shutil.copy(f"{path}-wal", killed / "experiments.db-wal")  # everything is still in the log
    catalog.close()
    again = SqliteCatalog(str(killed / "experiments.db"))
    assert not again.usable()
    again.create()
    assert everything(again) == 0
    again.close()


def test_a_file_replaced_under_an_open_catalog_is_the_one_read(path: Path, tmp_path: Path):
    catalog = filled(path)
    assert everything(catalog) == 1000
    other = SqliteCatalog(str(tmp_path / "other.db"))
    other.create()
    with other.writing() as connection:
        other.save(connection, [entry_of("only", params={"x": 1})])
    other.close()
    os.replace(tmp_path / "other.db", path)
    assert everything(catalog) == 2
    with catalog.writing() as connection:
        catalog.save(connection, [entry_of("next", params={"lr": 1, "x": 2})])
    assert everything(catalog) == 4
    catalog.close()


def test_the_file_system_of_a_folder_is_found(tmp_path: Path):
    assert sqlite._file_system("/proc/self") == "proc"
    assert sqlite._file_system(str(tmp_path)) not in ("", "proc")
