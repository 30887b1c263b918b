"""What every catalog must do."""

from __future__ import annotations

import math
import threading
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from ..record.events import FileLogged, ValueLogged
from ..record.fold import ExperimentState
from ..stores.catalog import schema as s
from ..stores.catalog.protocol import Catalog, Entry, Problem
from ..stores.catalog.summary import MetricSummary

__all__ = ["CatalogContract", "entry_of"]


def entry_of(experiment_id: str, prefix: str = "", **more: Any) -> Entry:
    """A new entry with everything that has to be there; `more` are fields of it, or columns of its row."""
    row: dict[str, Any] = {column.name: None for column in s.experiments.c if column.name != "key"}
    row |= {"experiment_id": experiment_id, "prefix": prefix or experiment_id, "name": "run"}
    row |= {"status": "completed", "created_at": 1.0, "updated_at": 2.0, "lost": 0}
    counts = ("metric_count", "point_count", "file_count", "file_bytes", "value_count")
    row |= dict.fromkeys(counts, 0)
    row |= {name: more.pop(name) for name in list(more) if name in row}
    entry = Entry(
        key=None,
        row=row,
        cursor=b"cursor",
        live=False,
        whole=True,
        state=msgspec.msgpack.encode(ExperimentState(experiment_id=experiment_id)),
        tallies=b"tallies",
        params={},
        config={},
        tags={},
        bindrs=[],
    )
    return msgspec.structs.replace(entry, **more)


def _summary(value: float, count: int = 1) -> MetricSummary:
    return MetricSummary(count, value, value, 0, 1.0, value, 0, value, 0, value, None, 0)


class CatalogContract:
    """Subclass it and give the fixture `catalog`, created and empty."""

    @pytest.fixture
    def catalog(self) -> Catalog:
        """An empty catalog, after `create`."""
        raise NotImplementedError

    def save(self, catalog: Catalog, *entries: Entry) -> list[int]:
        """Save entries in one transaction; returns their keys."""
        with catalog.writing() as connection:
            catalog.save(connection, entries)
        return [entry.key for entry in entries if entry.key is not None]

    def rows(self, catalog: Catalog, table: Any, *order: str) -> list[dict[str, Any]]:
        """All rows of a table."""
        with catalog.reading() as connection:
            query = select(table).order_by(*(table.c[name] for name in order))
            return [dict(row._mapping) for row in connection.execute(query)]

    def count(self, catalog: Catalog, table: Any) -> int:
        """How many rows a table has."""
        with catalog.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    def test_a_created_catalog_is_usable_and_complete_once_finished(self, catalog: Catalog) -> None:
        assert catalog.usable()
        assert not catalog.complete()
        catalog.finish()
        assert catalog.complete()
        catalog.finish()
        assert catalog.complete()

    def test_creating_again_leaves_nothing(self, catalog: Catalog) -> None:
        self.save(catalog, entry_of("a", params={"lr": 1}, metrics={"loss": _summary(1.0)}))
        catalog.finish()
        catalog.create()
        assert catalog.usable()
        assert not catalog.complete()
        for table in s.metadata.sorted_tables:
            assert self.count(catalog, table) == (1 if table is s.meta else 0)
        self.save(catalog, entry_of("a", params={"lr": 1}))
        assert self.count(catalog, s.params) == 1

    def test_an_entry_is_known_by_id_and_by_prefix(self, catalog: Catalog) -> None:
        key, other = self.save(catalog, entry_of("idone", "p/one"), entry_of("idtwo", "p/two"))
        assert key != other
        with catalog.reading() as connection:
            (one,) = catalog.known(connection, ids=["idone", "nope"])
            (two,) = catalog.known(connection, prefixes=["p/two", "p"])
            both = catalog.known(connection, ids=["idone"], prefixes=["p/one", "p/two"])
            none = catalog.known(connection)
        assert (one.key, one.prefix, one.cursor, one.tallies) == (
            key,
            "p/one",
            b"cursor",
            b"tallies",
        )
        assert two.experiment_id == "idtwo"
        assert {k.key for k in both} == {key, other}
        assert none == []

    def test_thousands_are_known_at_once(self, catalog: Catalog) -> None:
        self.save(catalog, *(entry_of(f"id{i}") for i in range(2000)))
        with catalog.reading() as connection:
            assert len(catalog.known(connection, ids=[f"id{i}" for i in range(2000)])) == 2000

    def test_parameters_keep_their_kind(self, catalog: Catalog) -> None:
        params: dict[str, Any] = {
            "int": 3,
            "huge": 10**400,
            "float": 0.1,
            "nan": math.nan,
            "inf": -math.inf,
            "true": True,
            "none": None,
            "text": "vit",
            "long": "ü" * 1_000_000,
            "list": [1, 2],
            "empty": {},
        }
        self.save(catalog, entry_of("a", params=params, config={"int": 4}))
        with catalog.reading() as connection:
            query = select(
                s.names.c.kind, s.names.c.name, s.params.c.number, s.params.c.text, s.params.c.type
            )
            query = query.join(s.params, s.params.c.name_key == s.names.c.key)
            found = {
                (r.kind, r.name): (r.number, r.text, r.type) for r in connection.execute(query)
            }
        assert found == {
            ("param", "int"): (3.0, None, "int"),
            ("param", "huge"): (math.inf, None, "int"),
            ("param", "float"): (0.1, None, "float"),
            ("param", "nan"): (None, None, "float"),
            ("param", "inf"): (-math.inf, None, "float"),
            ("param", "true"): (1.0, None, "bool"),
            ("param", "none"): (None, None, "null"),
            ("param", "text"): (None, "vit", "str"),
            ("param", "long"): (None, "ü" * s.MAX_TEXT, "long"),
            ("param", "list"): (None, "[1, 2]", "list"),
            ("param", "empty"): (None, "{}", "dict"),
            ("config", "int"): (4.0, None, "int"),
        }

    def test_metrics_that_are_not_numbers_are_null(self, catalog: Catalog) -> None:
        summary = MetricSummary(
            2, math.nan, math.inf, 7, 1.5, None, None, math.inf, 7, None, None, 2
        )
        self.save(catalog, entry_of("a", metrics={"loss": summary}))
        (row,) = self.rows(catalog, s.metrics)
        assert row["first"] is None
        assert row["last"] == math.inf
        assert row["min"] is None
        assert (row["max"], row["max_step"], row["last_step"]) == (math.inf, 7, 7)

    def test_saving_again_changes_only_what_is_given(self, catalog: Catalog) -> None:
        first = entry_of(
            "a",
            params={"lr": 1, "gone": 2},
            tags={"x": None, "gone": "1"},
            bindrs=["team"],
            metrics={"loss": _summary(1.0), "acc": _summary(0.5)},
            live=True,
        )
        (key,) = self.save(catalog, first)
        update = Entry(
            key=key,
            row=first.row | {"status": "running", "point_count": 9},
            cursor=b"further",
            live=True,
            tallies=b"more",
            metrics={"loss": _summary(0.25, 9)},
        )
        self.save(catalog, update)
        (row,) = self.rows(catalog, s.experiments)
        assert (row["key"], row["status"], row["point_count"]) == (key, "running", 9)
        assert {m["last"] for m in self.rows(catalog, s.metrics)} == {0.25, 0.5}
        assert self.count(catalog, s.params) == 2
        assert self.count(catalog, s.tags) == 3
        events = Entry(
            key=key, row=first.row, cursor=b"end", live=False, state=b"state",
            params={"lr": 2}, config={}, tags={"x": "new"}, bindrs=[],
        )  # fmt: skip
        self.save(catalog, events)
        assert [p["number"] for p in self.rows(catalog, s.params)] == [2.0]
        assert [t["value"] for t in self.rows(catalog, s.tags)] == ["new"]
        assert self.count(catalog, s.metrics) == 2
        assert self.count(catalog, s.live) == 0
        with catalog.reading() as connection:
            (known,) = catalog.known(connection, ids=["a"])
        assert (known.state, known.cursor, known.tallies) == (b"state", b"end", b"more")

    def test_files_and_values_are_added_in_order_or_replaced(self, catalog: Catalog) -> None:
        def file(name: str) -> FileLogged:
            return FileLogged(
                t=1.0, file_id=name, prefix="", name=name, path=f"files/{name}", size=3, hash="h"
            )

        value = ValueLogged(t=2.0, name="img", kind="image", path="values/a.png", step=3)
        first = entry_of("a", files=[file("one"), file("two")], values=[value])
        (key,) = self.save(catalog, first)
        more = Entry(key=key, row=first.row, cursor=b"", live=True, files=[file("three")])
        more.files_before, more.values_before = 2, 1
        self.save(catalog, more)
        names = [f["name"] for f in self.rows(catalog, s.files, "position")]
        assert names == ["one", "two", "three"]
        (row,) = self.rows(catalog, s.values)
        assert msgspec.msgpack.decode(row["record"], type=ValueLogged) == value
        again = Entry(
            key=key,
            row=first.row,
            cursor=b"",
            live=True,
            events_replaced=True,
            files=[file("only")],
        )
        self.save(catalog, again)
        assert [f["name"] for f in self.rows(catalog, s.files)] == ["only"]
        assert self.count(catalog, s.values) == 0

    def test_the_same_problem_found_twice_is_one(self, catalog: Catalog) -> None:
        problem = Problem("metrics/a.jsonl", 7, "torn")
        (key,) = self.save(catalog, entry_of("a", problems=[problem, problem]))
        row = entry_of("a").row
        self.save(catalog, Entry(key=key, row=row, cursor=b"", live=False, problems=[problem]))
        assert self.count(catalog, s.problems) == 1

    def test_a_failed_transaction_leaves_nothing(self, catalog: Catalog) -> None:
        self.save(catalog, entry_of("kept", params={"lr": 1}))
        with pytest.raises(RuntimeError), catalog.writing() as connection:
            catalog.save(connection, [entry_of("lost", params={"lr": 1, "new": 2})])
            raise RuntimeError
        assert [e["experiment_id"] for e in self.rows(catalog, s.experiments)] == ["kept"]
        self.save(catalog, entry_of("next", params={"new": 3}))
        assert self.count(catalog, s.names) == 2
        assert self.count(catalog, s.params) == 2

    def test_dropping_forgets_everything_of_one_and_nothing_of_another(
        self, catalog: Catalog
    ) -> None:
        def full(name: str) -> Entry:
            return entry_of(
                name, params={"lr": 1}, config={"c": 1}, tags={"t": None}, bindrs=["b"], live=True,
                metrics={"loss": _summary(1.0)}, problems=[Problem("x", 1, "y")],
                values=[ValueLogged(t=1.0, name="v", kind="text")],
                files=[FileLogged(t=1.0, file_id="f", prefix="", name="f", path="f", size=1, hash="")],
            )  # fmt: skip

        one, _ = self.save(catalog, full("one"), full("two"))
        before = {t.name: self.count(catalog, t) for t in s.metadata.sorted_tables}
        with catalog.writing() as connection:
            catalog.drop(connection, [one])
        for table in s.metadata.sorted_tables:
            left = self.count(catalog, table)
            assert left == before[table.name] / (1 if table in (s.meta, s.names) else 2), table.name

    def test_a_reader_sees_one_state_while_another_writes(self, catalog: Catalog) -> None:
        self.save(catalog, entry_of("a"))
        with catalog.reading() as connection:
            query = select(func.count()).select_from(s.experiments)
            assert connection.execute(query).scalar_one() == 1
            thread = threading.Thread(target=self.save, args=(catalog, entry_of("b")))
            thread.start()
            thread.join(5)
            assert connection.execute(query).scalar_one() == 1
        thread.join()
        assert self.count(catalog, s.experiments) == 2

    def test_writers_take_turns(self, catalog: Catalog) -> None:
        threads = [
            threading.Thread(target=self.save, args=(catalog, entry_of(f"id{i}"))) for i in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert self.count(catalog, s.experiments) == 8

    def test_an_ordinary_error_is_no_damage(self, catalog: Catalog) -> None:
        assert not catalog.is_damage(ValueError("no"))
        self.save(catalog, entry_of("a"))
        with pytest.raises(Exception, match=r"(?i)unique") as error:
            self.save(catalog, entry_of("a", "elsewhere"))
        assert not catalog.is_damage(error.value)
