"""The catalog in a SQLite file: every promise of the seam, and files that break or vanish."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from anew.query.question import FactsQuestion, ask
from anew.stores.catalog.protocol import Batch, Catalog, CatalogDamaged, CatalogState
from anew.stores.catalog.relational import schema as s
from anew.stores.catalog.relational.answers import selected
from anew.stores.catalog.sqlite import SqliteCatalog, files
from anew.testing.catalog import CatalogContract
from anew.testing.catalog_writing import entry_of


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
        monkeypatch.setattr(files, "file_system", lambda folder: "nfs4")
        catalog = SqliteCatalog(str(tmp_path / "experiments.db"))
        catalog.create()
        yield catalog
        catalog.close()

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

    def test_savers_take_turns(self, catalog) -> None:
        """One connection is all there is, for one thread."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "experiments.db"


def filled(path: Path) -> SqliteCatalog:
    catalog = SqliteCatalog(str(path))
    catalog.create()
    catalog.save(Batch(entries=[entry_of(f"id{i}", params={"lr": i}) for i in range(500)]))
    catalog.finish()
    catalog.close()
    return SqliteCatalog(str(path))


def everything(catalog: Catalog) -> int:
    ids = catalog.select(ask(now=0.0)).ids
    return len(catalog.facts(FactsQuestion(ids=ids, parts=frozenset({"state"}), now=0.0)))


def is_usable(catalog: Catalog) -> bool:
    return catalog.state() is not CatalogState.UNUSABLE


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
    if is_usable(catalog):  # the first page may be whole
        with pytest.raises(CatalogDamaged):
            everything(catalog)
    catalog.create()
    assert is_usable(catalog)
    assert everything(catalog) == 0
    catalog.close()


def test_an_empty_file_is_no_catalog_and_no_error(path: Path):
    path.write_bytes(b"")
    catalog = SqliteCatalog(str(path))
    assert not is_usable(catalog)
    catalog.create()
    assert is_usable(catalog)
    catalog.close()


def test_a_catalog_of_another_layout_is_not_usable(path: Path, monkeypatch):
    catalog = filled(path)
    monkeypatch.setattr(s, "SCHEMA_VERSION", s.SCHEMA_VERSION + 1)
    assert not is_usable(catalog)
    catalog.create()
    assert is_usable(catalog)
    catalog.close()


def test_a_file_deleted_under_an_open_catalog_is_noticed(path: Path):
    catalog = filled(path)
    assert everything(catalog) == 500
    for file in path.parent.iterdir():
        file.unlink()
    assert not is_usable(catalog)
    catalog.create()
    assert everything(catalog) == 0
    catalog.close()


def test_a_log_left_without_its_file_is_not_played_into_the_next_one(path: Path, tmp_path: Path):
    catalog = SqliteCatalog(str(path))
    catalog.create()
    catalog.save(Batch(entries=[entry_of("late")]))
    killed = tmp_path / "killed"
    killed.mkdir()
    shutil.copy(f"{path}-wal", killed / "experiments.db-wal")  # everything is still in the log
    catalog.close()
    again = SqliteCatalog(str(killed / "experiments.db"))
    assert not is_usable(again)
    again.create()
    assert everything(again) == 0
    again.close()


def test_a_file_replaced_under_an_open_catalog_is_the_one_read(path: Path, tmp_path: Path):
    catalog = filled(path)
    assert everything(catalog) == 500
    other = SqliteCatalog(str(tmp_path / "other.db"))
    other.create()
    other.save(Batch(entries=[entry_of("only", params={"x": 1})]))
    other.close()
    os.replace(tmp_path / "other.db", path)
    assert everything(catalog) == 1
    catalog.save(Batch(entries=[entry_of("next", params={"lr": 1, "x": 2})]))
    assert everything(catalog) == 2
    assert list(catalog.select(ask("params.x == 2", now=0.0)).ids) == ["next"]
    catalog.close()


def test_the_file_system_of_a_folder_is_found(tmp_path: Path):
    assert files.file_system("/proc/self") == "proc"
    assert files.file_system(str(tmp_path)) not in ("", "proc")


def test_a_reader_sees_one_state_while_another_saves(path: Path):
    catalog = filled(path)
    with catalog.reading() as connection:
        count = "SELECT count(*) FROM experiments"
        assert connection.execute(count).fetchone()[0] == 500
        thread = threading.Thread(target=catalog.save, args=(Batch(entries=[entry_of("late")]),))
        thread.start()
        thread.join(300)
        assert connection.execute(count).fetchone()[0] == 500
    assert everything(catalog) == 501
    catalog.close()


def test_a_catalog_that_cannot_be_reached_is_an_os_error(path: Path):
    catalog = filled(path)
    catalog.close()
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError):
        everything(catalog)


def test_a_question_costs_as_much_in_a_catalog_that_grew_as_in_one_that_was_made_at_once(tmp_path):
    """SQLite chooses among its indexes by how many rows it was told that there are, which for most people is one at first."""
    number = 1_200
    entries = [
        entry_of(f"e{at:04}", created_at=float(at), started_at=float(at), metrics={"loss": [at % 97]})
        for at in range(number)
    ]  # fmt: skip
    asked = ask(sort=["metrics.loss", "started_at"], limit=100, now=0.0)

    def steps(path: Path, firsts: int) -> int:
        catalog = SqliteCatalog(str(path))
        catalog.create()
        catalog.save(Batch(entries=entries[:firsts]))
        catalog.finish()
        for start in range(firsts, number, 200):
            catalog.save(Batch(entries=entries[start : start + 200]))
        taken = 0

        def count() -> int:
            nonlocal taken
            taken += 1
            return 0

        with catalog.reading() as connection:
            connection.set_progress_handler(count, 100)
            assert len(selected(connection, asked).ids) == 100
            connection.set_progress_handler(None, 0)
        catalog.close()
        return taken

    assert steps(tmp_path / "grown.db", 1) <= 2 * steps(tmp_path / "made.db", number)
