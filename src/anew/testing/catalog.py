"""What every catalog must do."""

from __future__ import annotations

import threading

import msgspec
import pytest

from ..errors import QueryError
from ..query.changes import Changes
from ..query.question import (
    FactsQuestion,
    ask,
)
from ..record.facts import FileFact, ProblemFact, ValueFact
from ..record.fold import ExperimentState
from ..record.packed import Unpacker, pack
from ..record.status import Status
from ..stores.catalog.protocol import Batch, Catalog, CatalogState, Entry
from ..stores.catalog.summary import combine
from .catalog_columns import ColumnTests
from .catalog_questions import QuestionTests
from .catalog_scopes import ScopeTests
from .catalog_writing import NOW, entry_of, tally_of

__all__ = ["CatalogContract"]


class CatalogContract(ScopeTests, QuestionTests, ColumnTests):
    """Subclass it and give the fixture `catalog`, created and empty."""

    # -- its life ----------------------------------------------------------------------------------

    def test_a_created_catalog_is_being_filled_and_complete_once_finished(
        self, catalog: Catalog
    ) -> None:
        assert catalog.state() is CatalogState.FILLING
        catalog.finish()
        assert catalog.state() is CatalogState.COMPLETE
        catalog.finish()
        assert catalog.state() is CatalogState.COMPLETE

    def test_creating_again_leaves_nothing(self, catalog: Catalog) -> None:
        mark = {"how/far": "3"}
        entry = entry_of("a", params={"lr": 1}, metrics={"loss": [1.0]}, live=True)
        catalog.save(Batch(entries=[entry], marks=mark))
        catalog.finish()
        catalog.create()
        assert catalog.state() is CatalogState.FILLING
        assert self.ids(catalog) == []
        assert catalog.count(ask(now=NOW)) == 0
        assert self.names(catalog, "param") == []
        assert catalog.known(ids=["a"]) == []
        assert (catalog.outstanding().marks, catalog.outstanding().followed) == ({}, [])
        self.save(catalog, entry_of("a", params={"lr": 1}))
        assert self.names(catalog, "param") == ["lr"]

    # -- saving ------------------------------------------------------------------------------------

    def test_an_entry_is_known_by_id_and_by_prefix(self, catalog: Catalog) -> None:
        key, other = self.save(catalog, entry_of("idone", "p/one"), entry_of("idtwo", "p/two"))
        assert key != other
        (one,) = catalog.known(ids=["idone", "nope"])
        (two,) = catalog.known(prefixes=["p/two", "p"])
        both = catalog.known(ids=["idone"], prefixes=["p/one", "p/two"])
        assert (one.key, one.prefix, one.cursor) == (key, "p/one", b"cursor")
        assert two.experiment_id == "idtwo"
        assert {k.key for k in both} == {key, other}
        assert catalog.known() == []

    def test_thousands_are_known_at_once(self, catalog: Catalog) -> None:
        self.save(catalog, *(entry_of(f"id{i}") for i in range(2000)))
        assert len(catalog.known(ids=[f"id{i}" for i in range(2000)])) == 2000
        assert len(self.facts(catalog, *(f"id{i}" for i in range(2000)))) == 2000

    def test_what_was_saved_comes_back_in_the_order_asked_for(self, catalog: Catalog) -> None:
        file = FileFact(
            "f1", "models", "m.pt", "files/m.pt", 3, "hash", 4, 5.0, {"a": 1}, "f", {"acc": 0.5}
        )
        value = ValueFact("img", "image", 3, 2.0, "values/a.png", {"k": [1]}, {"caption": "x"})
        problem = ProblemFact("metrics/a.jsonl", 7, "torn")
        entry = entry_of(
            "one", "p/one", owner="al", git_dirty=True, started_at=3.0, parent="two",
            status=Status.FAILED, reason="it broke", file_count=1, point_count=2**40,
            params={"lr": 0.1, "model.depth": 4}, config={"seed": 1}, tags={"t": None, "u": "v"},
            bindrs=["b"], metrics={"loss": [2.0, 1.0]}, files=[file], values=[value],
            problems=[problem],
        )  # fmt: skip
        self.save(catalog, entry, entry_of("two"))
        two, one = self.facts(catalog, "two", "nope", "one")
        assert (two.id, two.owner, two.files, two.metrics) == ("two", None, (), {})
        bare = msgspec.structs.replace(entry.facts, read_at=NOW)
        assert catalog.facts(FactsQuestion(ids=["one"], now=NOW)) == [bare]
        assert one.state is not None
        assert one.state.params == {"lr": 0.1, "model": {"depth": 4}}
        assert one.state.config == {"seed": 1}
        assert (one.state.tags, one.state.bindrs) == ({"t": None, "u": "v"}, ["b"])
        assert one.metrics == {name: combine(of) for name, of in entry.metrics.items()}
        assert (one.files, one.values, one.problems) == ((file,), (value,), (problem,))

    def test_a_hidden_metric_goes_with_its_experiment(self, catalog: Catalog) -> None:
        (key,) = self.save(catalog, entry_of("a", metrics={"m": [1.0], "n": [2.0]}, hidden=["m"]))
        assert self.names(catalog, "metric") == ["n"]
        catalog.save(Batch(doomed=[key]))
        (again,) = self.save(catalog, entry_of("b", metrics={"n": [3.0]}, hidden=["m"]))
        self.save(catalog, entry_of("b", key=again, metrics={"m": [1.0]}, hidden=["m"]))
        (known,) = catalog.known(ids=["b"], tallies=True)
        assert known.tallies is not None
        assert list(known.tallies) == ["m"]

    def test_saving_again_changes_only_what_is_given(self, catalog: Catalog) -> None:
        first = entry_of(
            "a",
            params={"lr": 1, "gone": 2},
            tags={"x": None, "gone": "1"},
            bindrs=["team"],
            metrics={"loss": [1.0], "acc": [0.5]},
            live=True,
        )
        (key,) = self.save(catalog, first)
        tallies = {"loss": {"0001-main": tally_of([1.0, 0.25])}, "acc": {"w": tally_of([0.5])}}
        running = msgspec.structs.replace(first.facts, status=Status.RUNNING, point_count=9)
        update = Entry(
            key=key,
            facts=running,
            cursor=b"further",
            live=True,
            metrics=tallies,
        )
        self.save(catalog, update)
        (one,) = self.facts(catalog, "a")
        assert (one.status, one.point_count) == (Status.RUNNING, 9)
        assert self.ids(catalog, "metrics.loss == 0.25 and metrics.acc == 0.5") == ["a"]
        assert self.ids(catalog, "params.gone == 2 and 'gone' in tags and 'team' in bindrs") == [
            "a"
        ]
        assert catalog.outstanding().followed == ["a"]
        state = ExperimentState(experiment_id="a", params={"lr": 2}, tags={"x": "new"})
        events = Entry(
            key=key, facts=first.facts, cursor=b"end", live=False,
            state=pack(state), params={"lr": 2}, config={}, tags={"x": "new"},
            bindrs=[],
        )  # fmt: skip
        self.save(catalog, events)
        (one,) = self.facts(catalog, "a")
        assert one.state == state
        assert self.ids(catalog, "params.lr == 2 and tags.x == 'new' and metrics.acc exists")
        gone = "params.gone is null and tags.gone not exists and 'team' not in bindrs"
        assert self.ids(catalog, gone) == ["a"]
        assert catalog.outstanding().followed == []
        (known,) = catalog.known(ids=["a"])
        assert known.cursor == b"end"
        assert Unpacker(ExperimentState).decode(known.state) == state

    def test_files_and_values_are_added_in_order_or_replaced(self, catalog: Catalog) -> None:
        def file(name: str) -> FileFact:
            return FileFact(name, "", name, f"files/{name}", 3, "h", None, 1.0)

        value = ValueFact("img", "image", 3, 2.0, "values/a.png")
        first = entry_of("a", files=[file("one"), file("two")], values=[value])
        (key,) = self.save(catalog, first)
        more = Entry(
            key=key, facts=first.facts, cursor=b"", live=True, files=[file("three")],
            files_before=2, values_before=1,
        )  # fmt: skip
        self.save(catalog, more)
        (one,) = self.facts(catalog, "a")
        assert one.files == (file("one"), file("two"), file("three"))
        assert one.values == (value,)
        again = Entry(
            key=key, facts=first.facts, cursor=b"", live=True, events_replaced=True,
            files=[file("only")],
        )  # fmt: skip
        self.save(catalog, again)
        (one,) = self.facts(catalog, "a")
        assert (one.files, one.values) == ((file("only"),), ())

    def test_the_same_problem_found_twice_is_one(self, catalog: Catalog) -> None:
        problem = ProblemFact("metrics/a.jsonl", 7, "torn")
        first = entry_of("a", problems=[problem, problem])
        (key,) = self.save(catalog, first)
        again = Entry(key=key, facts=first.facts, cursor=b"", live=False, problems=[problem])
        self.save(catalog, again)
        assert self.facts(catalog, "a")[0].problems == (problem,)

    def test_problems_found_by_an_examination_replace_those_known(self, catalog: Catalog) -> None:
        old, new = ProblemFact("x", 1, "torn"), ProblemFact("y", 0, "unreadable")
        self.save(catalog, entry_of("a", problems=[old]), entry_of("b", problems=[old]))
        catalog.save(Batch(examined={"a": [new], "nope": [new]}))
        a, b = self.facts(catalog, "a", "b")
        assert (a.problems, b.problems) == ((new,), (old,))
        catalog.save(Batch(examined={"a": []}))
        assert self.facts(catalog, "a")[0].problems == ()

    def test_marks_are_kept_replaced_and_removed(self, catalog: Catalog) -> None:
        catalog.save(Batch(marks={"a/1": "x", "a/2": "y", "b": "z"}))
        catalog.save(Batch(marks={"a/1": None, "a/2": "new", "never": None}))
        assert catalog.outstanding().marks == {"a/2": "new", "b": "z"}

    def test_a_batch_that_fails_leaves_nothing(self, catalog: Catalog) -> None:
        self.save(catalog, entry_of("kept", "p/kept", params={"lr": 1}))
        clash = entry_of("lost", "p/kept", params={"lr": 1, "new": 2})
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            catalog.save(Batch(entries=[entry_of("too"), clash], marks={"m": "1"}))
        assert self.ids(catalog) == ["kept"]
        assert catalog.outstanding().marks == {}
        assert self.names(catalog, "param") == ["lr"]
        self.save(catalog, entry_of("next", params={"new": 3}))
        assert self.ids(catalog, "params.new == 3") == ["next"]

    def test_the_doomed_are_forgotten_entirely_and_nobody_else_is(self, catalog: Catalog) -> None:
        def full(name: str) -> Entry:
            return entry_of(
                name, params={"lr": 1}, config={"c": 1}, tags={"t": None}, bindrs=["b"], live=True,
                metrics={"loss": [1.0]}, problems=[ProblemFact("x", 1, "y")],
                values=[ValueFact("v", "text", None, 1.0)],
                files=[FileFact("f", "", "f", "f", 1, "", None, 1.0)],
            )  # fmt: skip

        one, _ = self.save(catalog, full("one"), full("two"))
        (before,) = self.facts(catalog, "two")
        catalog.save(Batch(doomed=[one], entries=[entry_of("three", "one")]))
        assert self.ids(catalog) == ["two", "three"]
        assert self.facts(catalog, "two", "one")[0] == before
        whole = "params.lr == 1 and config.c == 1 and 't' in tags and 'b' in bindrs"
        assert self.ids(catalog, f"{whole} and metrics.loss == 1") == ["two"]
        assert catalog.outstanding().followed == ["two"]
        (three,) = self.facts(catalog, "three")
        assert (three.files, three.values, three.problems, three.metrics) == ((), (), (), {})

    def test_a_name_that_nobody_has_any_more_is_not_listed(self, catalog: Catalog) -> None:
        (key,) = self.save(catalog, entry_of("a", params={"gone": 1}, tags={"gone": None}))
        catalog.save(Batch(doomed=[key], entries=[entry_of("b", params={"lr": 1})]))
        assert self.names(catalog, "param") == ["lr"]
        assert self.names(catalog, "tag") == []
        for mistake in ("params.gone == 1", "'gone' in tags"):
            with pytest.raises(QueryError):
                self.ids(catalog, mistake)

    def test_savers_take_turns(self, catalog: Catalog) -> None:
        threads = [
            threading.Thread(target=self.save, args=(catalog, entry_of(f"id{i}"))) for i in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert catalog.count(ask(now=NOW)) == 8

    def test_a_cursor_tells_what_was_saved_and_forgotten_since(self, catalog: Catalog) -> None:
        one, two = self.save(catalog, entry_of("one"), entry_of("two"))
        catalog.finish()
        before = catalog.changed(None).cursor
        assert catalog.changed(before) == Changes(before)
        self.save(catalog, entry_of("one", key=one), entry_of("new"))
        catalog.save(Batch(marks={"m": "1"}))
        after = catalog.changed(before)
        assert (set(after.ids), after.gone, after.everything) == ({"one", "new"}, (), False)
        catalog.save(Batch(doomed=[two]))
        assert catalog.changed(after.cursor).gone == ("two",)
        assert set(catalog.changed(before).ids) == {"one", "new"}
        for strange in ("", "x", "x.1", before + "9" * 30):
            assert catalog.changed(strange).everything
        catalog.create()
        catalog.finish()
        assert catalog.changed(after.cursor).everything
