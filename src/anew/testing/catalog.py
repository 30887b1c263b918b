"""What every catalog must do."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..errors import QueryError, TookTooLong
from ..query.changes import Changes
from ..query.question import (
    FactsQuestion,
    Name,
    NamesQuestion,
    Part,
    Question,
    Selected,
    Wanted,
    ask,
    parse_field,
)
from ..query.scope import Scope, project_of
from ..record.facts import ExperimentFacts, FileFact, ProblemFact, ValueFact
from ..record.fold import ExperimentState
from ..record.packed import Unpacker, pack
from ..record.plain import nest, to_plain
from ..record.status import Status
from ..stores.catalog.protocol import Answers, Batch, Catalog, CatalogState, Entry
from ..stores.catalog.summary import Tally, combine
from .evaluation import Evaluation
from .filters import PLACES, experiments, filters, scopes, sorts

__all__ = ["NOW", "CatalogContract", "entry_of", "tally_of"]

NOW = 1_790_000_000.0
_ALL = frozenset[Part](("state", "metrics", "files", "values", "problems"))


def entry_of(
    experiment_id: str,
    prefix: str = "",
    *,
    key: int | None = None,
    params: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    tags: dict[str, str | None] | None = None,
    bindrs: Sequence[str] = (),
    metrics: dict[str, Sequence[float]] | None = None,
    **more: Any,
) -> Entry:
    """A whole entry; `params` and `config` are flat, `metrics` are the values logged, `more` are fields of it
    or facts."""
    facts: dict[str, Any] = {"name": "run", "status": Status.COMPLETED}
    facts |= {"created_at": 1.0, "updated_at": 2.0}
    facts |= {n: more.pop(n) for n in list(more) if n in ExperimentFacts.__struct_fields__[2:-5]}
    state = ExperimentState(
        experiment_id=experiment_id,
        params=to_plain(nest(params or {})),
        config=to_plain(nest(config)) if config is not None else None,
        tags=tags or {},
        bindrs=list(bindrs),
    )
    tallies = {n: {"0001-main": tally_of(values)} for n, values in (metrics or {}).items()}
    return Entry(
        key=key,
        facts=ExperimentFacts(id=experiment_id, prefix=prefix or experiment_id, **facts),
        cursor=more.pop("cursor", b"cursor"),
        live=more.pop("live", False),
        whole=True,
        state=pack(state),
        params=params or {},
        config=config or {},
        tags=tags or {},
        bindrs=bindrs,
        metrics=tallies,
        **more,
    )


def tally_of(values: Sequence[float]) -> Tally:
    """What one writer's values, logged at the steps 0, 1, 2 …, add up to."""
    numbers = [v for v in values if v == v]
    finite = [v for v in values if math.isfinite(v)]
    mean = math.fsum(finite) / len(finite) if finite else 0.0
    return Tally(
        count=len(values),
        nonfinite=len(values) - len(finite),
        first=values[0],
        last=values[-1],
        last_time=NOW,
        last_step=len(values) - 1,
        min=min(numbers, default=math.nan),
        min_step=values.index(min(numbers)) if numbers else 0,
        max=max(numbers, default=math.nan),
        max_step=values.index(max(numbers)) if numbers else 0,
        mean=mean,
        m2=math.fsum((v - mean) ** 2 for v in finite),
    )


class CatalogContract:
    """Subclass it and give the fixture `catalog`, created and empty."""

    @pytest.fixture
    def catalog(self) -> Catalog:
        """An empty catalog, after `create`."""
        raise NotImplementedError

    def save(self, catalog: Catalog, *entries: Entry) -> list[int]:
        """Save entries together; returns their keys."""
        catalog.save(Batch(entries=entries))
        known = {k.experiment_id: k.key for k in catalog.known(ids=[e.facts.id for e in entries])}
        return [known[entry.facts.id] for entry in entries]

    def ids(self, catalog: Catalog, filter: str | None = None, **more: Any) -> list[str]:
        """The ids that a filter selects."""
        return list(self.ask(catalog, filter, **more).ids)

    def ask(self, catalog: Catalog, filter: str | None = None, **more: Any) -> Selected:
        """The answer to a question."""
        return catalog.select(ask(filter, now=NOW, **more))

    def facts(self, catalog: Catalog, *ids: str) -> list[ExperimentFacts]:
        """Everything that is known of experiments."""
        return catalog.facts(FactsQuestion(ids=ids, parts=_ALL, now=NOW))

    def names(self, catalog: Catalog, kind: Any, **more: Any) -> list[str]:
        """Names of a kind."""
        return [one.name for one in catalog.names(NamesQuestion(kind=kind, now=NOW, **more))]

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

    # -- what somebody may see ---------------------------------------------------------------------

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        experiments(NOW),
        st.lists(st.sampled_from(PLACES), min_size=8, max_size=8),
        scopes(),
        st.lists(st.tuples(filters(), sorts()), min_size=1, max_size=4),
        st.booleans(),
    )
    def test_a_scope_answers_as_if_nothing_else_were_there(
        self,
        catalog: Catalog,
        given: list[dict[str, Any]],
        places: list[str],
        scope: Scope,
        asked: list[tuple[str, list[str]]],
        finished: bool,
    ) -> None:
        pairs = zip(places, given, strict=False)
        all_ = [{"prefix": f"{place}{n}", **one} for n, (place, one) in enumerate(pairs)]
        self._filled(catalog, all_, finished)
        scoped = catalog.within(scope)
        seen = [_everything(scoped, *one) for one in asked]
        known = {one.id for one in scoped.facts(FactsQuestion(ids=_IDS, now=NOW))}
        catalog.create()
        kept = [
            (f"id{n}", one) for n, one in enumerate(all_) if scope.has(project_of(one["prefix"]))
        ]
        assert known == {id_ for id_, _ in kept}
        catalog.save(Batch(entries=[entry_of(id_, **one) for id_, one in kept]))
        if finished:
            catalog.finish()
        assert seen == [_everything(catalog, *one) for one in asked]

    def test_a_scope_sees_nothing_of_how_others_change(self, catalog: Catalog) -> None:
        scope = Scope(("lab/*",))
        scoped = catalog.within(scope)
        mine, other, moved = self.save(
            catalog, entry_of("mine", "lab/x/a"), entry_of("other", "else/x/a"), entry_of("moved", "lab/y/a")
        )  # fmt: skip
        catalog.finish()
        begun = scoped.changed(None).cursor
        assert scoped.count(ask(now=NOW)) == 2
        self.save(catalog, entry_of("other", "else/x/a", key=other), entry_of("new", "else/x/b"))
        catalog.save(Batch(doomed=[other]))
        assert scoped.changed(begun) == Changes(begun)
        assert scoped.count(ask(now=NOW)) == 2
        self.save(catalog, entry_of("mine", "lab/x/a", key=mine, metrics={"loss": [1.0]}))
        first = scoped.changed(begun)
        assert (first.ids, first.gone) == (("mine",), ())
        assert scoped.names(NamesQuestion(kind="metric")) == [Name("loss")]
        self.save(catalog, entry_of("moved", "else/y/a", key=moved))
        second = scoped.changed(first.cursor)
        assert (second.ids, second.gone) == ((), ("moved",))
        assert [one.id for one in scoped.facts(FactsQuestion(ids=("mine", "moved"), now=NOW))] == [
            "mine"
        ]
        self.save(catalog, entry_of("moved", "lab/z/a", key=moved))
        third = scoped.changed(second.cursor)
        assert (third.ids, third.gone) == (("moved",), ())
        catalog.save(Batch(doomed=[moved]))
        assert scoped.changed(third.cursor).gone == ("moved",)
        assert set(catalog.changed(begun).gone) == {"other", "moved"}
        assert catalog.within(Scope(("else/*",))).changed(begun).gone == ("other", "moved")

    def test_a_question_that_takes_too_long_is_ended_and_the_next_is_answered(
        self, catalog: Catalog
    ) -> None:
        self.save(catalog, *(entry_of(f"id{n}", params={"p": f"text {n}"}) for n in range(3000)))
        catalog.finish()
        question = ask("not params.p =~ 'text'", now=NOW)
        for scope in (None, Scope(("*",)), Scope(("~",))):
            with pytest.raises(TookTooLong):
                catalog.within(scope, seconds=0.0).select(question)
            assert catalog.within(scope, seconds=600.0).select(question).ids == []
            assert catalog.within(scope).count(ask(now=NOW)) == 3000
        assert catalog.count(ask(now=NOW)) == 3000

    def test_a_key_that_is_given_again_is_no_way_into_a_scope(self, catalog: Catalog) -> None:
        scoped = catalog.within(Scope(("lab/*",)))
        self.save(catalog, entry_of("a", "lab/x/a"))
        catalog.finish()
        assert scoped.count(ask(now=NOW)) == 1
        (key,) = (one.key for one in catalog.known(ids=["a"]))
        catalog.save(Batch(doomed=[key]))
        self.save(catalog, entry_of("b", "else/x/b", params={"lr": 1}))
        assert [one.key for one in catalog.known(ids=["b"])] == [key]
        assert scoped.count(ask(now=NOW)) == 0
        assert scoped.names(NamesQuestion(kind="param")) == []

    # -- asking ------------------------------------------------------------------------------------

    def test_pages_follow_one_another(self, catalog: Catalog) -> None:
        self.save(catalog, *(entry_of(f"id{i}", created_at=float(i)) for i in range(5)))
        seen: list[str] = []
        offset = 0
        while True:
            page = self.ask(catalog, sort="-created_at", limit=2, offset=offset, total=True)
            assert page.total == 5
            seen += page.ids
            if page.next is None:
                break
            offset = page.next
        assert seen == ["id4", "id3", "id2", "id1", "id0"]
        assert self.ask(catalog, limit=0).ids == []
        for most in (2**63 - 1, 2**63, 10**30):
            assert self.ask(catalog, limit=most).ids == self.ask(catalog).ids
            assert self.ask(catalog, limit=5, offset=most).ids == []
            assert self.names(catalog, "metric", limit=most) == self.names(catalog, "metric")
        assert self.ask(catalog, offset=9).ids == []

    def test_columns_hold_what_was_recorded(self, catalog: Catalog) -> None:
        params = {
            "int": 3, "large": 2**63 + 5, "float": 0.1, "inf": -math.inf, "true": True,
            "none": None, "text": "vit", "long": "ü" * 100_000, "list": [1, 2], "odd.name": 1,
        }  # fmt: skip
        one = entry_of(
            "a", params=params, config={"c": 1}, tags={"t": "v", "plain": None}, bindrs=["b"],
            metrics={"loss": [3.0, 1.0, 2.0], "bad": [math.nan]}, git_dirty=False, started_at=NOW - 9,
        )  # fmt: skip
        self.save(catalog, one, entry_of("b", name="other", metrics={"loss": [1.0]}))
        asked = [f"params.{name}" for name in params]
        answer = self.ask(catalog, columns=asked)
        assert [c.name for c in answer.columns] == asked
        assert [c.values[0] for c in answer.columns] == list(params.values())
        assert [type(c.values[0]) for c in answer.columns] == [type(v) for v in params.values()]
        assert all(c.values[1] is None for c in answer.columns)
        answer = self.ask(
            catalog,
            sort="-name",
            columns=[
                "name", "duration", "git.dirty", "metrics.loss", "metrics.loss.min",
                "metrics.loss.count", "metrics.loss.mean", "metrics.bad.min", "tags.t", "config.c",
            ],
        )  # fmt: skip
        assert answer.ids == ["a", "b"]
        found = {column.name: (column.kind, list(column.values)) for column in answer.columns}
        assert math.isnan(found.pop("metrics.bad.min")[1][0])
        assert found == {
            "name": ("text", ["run", "other"]),
            "duration": ("number", [9.0, None]),
            "git.dirty": ("bool", [False, None]),
            "metrics.loss": ("number", [2.0, 1.0]),
            "metrics.loss.min": ("number", [1.0, 1.0]),
            "metrics.loss.count": ("integer", [3, 1]),
            "metrics.loss.mean": ("number", [2.0, 1.0]),
            "tags.t": ("text", ["v", None]),
            "config.c": ("any", [1, None]),
        }

    def test_a_section_is_a_column_for_every_name_in_it(self, catalog: Catalog) -> None:
        self.save(
            catalog,
            entry_of("a", params={"lr": 1, "model.depth": 2}, metrics={"loss": [2.0, 1.0]}),
            entry_of("b", params={"lr": 3.5}, tags={"t": None}, bindrs=["x"]),
        )
        answer = self.ask(catalog, columns=["params", "metrics", "config", "tags", "bindrs"])
        assert {c.name: list(c.values) for c in answer.columns} == {
            "params.lr": [1, 3.5],
            "params.model.depth": [2, None],
            "metrics.loss": [1.0, None],
            "tags": [{}, {"t": None}],
            "bindrs": [[], ["x"]],
        }

    def test_groups_count_and_add_up(self, catalog: Catalog) -> None:
        self.save(
            catalog,
            entry_of("a", params={"opt": "adam"}, file_bytes=1, metrics={"loss": [1.0]}),
            entry_of("b", params={"opt": "adam"}, file_bytes=2, metrics={"loss": [3.0]}),
            entry_of("c", params={"opt": 1}, status=Status.FAILED, file_bytes=2**62),
            entry_of("d", params={"opt": True}, status=Status.FAILED, file_bytes=2**62),
            entry_of("e"),
        )

        def summed(field: str, of: Literal["sum", "min", "max", "mean", "std"]) -> Wanted:
            return Wanted(parse_field(field), of)

        answer = self.ask(
            catalog,
            group=["status"],
            columns=[summed("file_bytes", "sum"), summed("metrics.loss", "mean")],
        )
        assert [(c.name, list(c.values)) for c in answer.columns] == [
            ("status", ["completed", "failed"]),
            ("count", [3, 2]),
            ("file_bytes", [3.0, 2.0**63]),
            ("metrics.loss", [2.0, None]),
        ]
        spread = [summed(one, "std") for one in ("metrics.loss", "file_bytes")]
        answer = self.ask(catalog, group=["status"], columns=spread)
        assert [list(c.values) for c in answer.columns[2:]] == [[2**0.5, None], [1.0, 0.0]]
        answer = self.ask(catalog, group=["params.opt"])
        assert [type(v) for v in answer.columns[0].values] == [int, bool, str, type(None)] or [
            type(v) for v in answer.columns[0].values
        ] == [bool, int, str, type(None)]
        assert list(answer.columns[1].values) == [1, 1, 2, 1]
        assert catalog.count(ask(group=["params.opt"], now=NOW)) == 4
        whole = self.ask(catalog, "status == 'failed'", columns=[summed("file_bytes", "max")])
        assert [list(c.values) for c in whole.columns] == [[2], [2.0**62]]
        with pytest.raises(QueryError):
            self.ask(catalog, group=["tags"])
        with pytest.raises(QueryError):
            self.ask(catalog, group=["status"], columns=["name"])
        with pytest.raises(QueryError):
            self.ask(catalog, columns=[summed("name", "sum")])

    def test_names_and_values_are_listed_with_counts(self, catalog: Catalog) -> None:
        self.save(
            catalog,
            entry_of("a", user="bob", params={"lr": 1}, metrics={"val/loss": [1.0]}),
            entry_of("b", user="al", params={"lr": 1, "Lora": 2}, metrics={"val/acc": [1.0]}),
            entry_of("c", user="bob", tags={"t": None}, bindrs=["x"]),
        )
        assert self.names(catalog, "param") == ["Lora", "lr"]
        assert self.names(catalog, "param", contains="LR") == ["lr"]
        assert self.names(catalog, "metric", limit=1) == ["val/acc"]
        assert (self.names(catalog, "tag"), self.names(catalog, "bindr")) == (["t"], ["x"])
        assert self.names(catalog, "config") == []
        counted = catalog.names(NamesQuestion(kind="param", counts=True))
        assert counted == [Name("Lora", 1), Name("lr", 2)]
        users = NamesQuestion(kind="value", field=parse_field("user"), now=NOW)
        assert catalog.names(users) == [Name("bob", 2, "bob"), Name("al", 1, "al")]

    def test_a_question_about_what_is_not_there_is_an_error(self, catalog: Catalog) -> None:
        self.save(catalog, entry_of("a", params={"lr": 1}))
        for wrong in ({"filter": "params.lrr > 1"}, {"sort": "nope"}, {"columns": ["metrics.x"]}):
            with pytest.raises(QueryError):
                self.ask(catalog, **wrong)

    # -- what filters and sorts mean ---------------------------------------------------------------

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(experiments(NOW), st.lists(filters(), min_size=1, max_size=6), st.booleans())
    def test_a_filter_is_true_of_those_of_which_its_tree_is(
        self, catalog: Catalog, given: list[dict[str, Any]], texts: list[str], finished: bool
    ) -> None:
        evaluation = self._filled(catalog, given, finished)
        for text in texts:
            question = ask(text, now=NOW)
            try:
                found = catalog.select(question)
            except QueryError:
                continue  # a mistake, of these experiments
            expected = evaluation.ids(question.filter)
            assert list(found.ids) == expected, text
            assert catalog.count(question) == len(expected), text

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(experiments(NOW), sorts(), st.booleans())
    def test_a_sort_has_numbers_then_texts_then_what_is_missing(
        self, catalog: Catalog, given: list[dict[str, Any]], sort: list[str], finished: bool
    ) -> None:
        evaluation = self._filled(catalog, given, finished)
        try:
            found = self.ids(catalog, sort=sort)
        except QueryError:
            return
        assert found == evaluation.in_order([(s.lstrip("-"), s[0] == "-") for s in sort])

    def _filled(self, catalog: Catalog, given: list[dict[str, Any]], finished: bool) -> Evaluation:
        catalog.create()
        ids = [f"id{number}" for number in range(len(given))]
        pairs = zip(ids, given, strict=True)
        catalog.save(Batch(entries=[entry_of(one, **facts) for one, facts in pairs]))
        if finished:
            catalog.finish()
        return Evaluation(self.facts(catalog, *ids), NOW)

    def test_large_integers_are_found_and_sorted_exactly(self, catalog: Catalog) -> None:
        seeds = [2**53 + 1, 2**53, 2**128, -(2**64) - 1, 2**128 + 1, -(2**64), 2**1100, 2.0**53]
        pairs = enumerate(seeds)
        self.save(catalog, *(entry_of(f"id{n}", params={"seed": seed}) for n, seed in pairs))
        for number, seed in enumerate(seeds[:6]):
            if seed != 2**53:
                assert self.ids(catalog, f"params.seed == {seed}") == [f"id{number}"]
        assert self.ids(catalog, f"params.seed == {2**53}") == ["id1", "id7"]
        order = ["id3", "id5", "id1", "id7", "id0", "id2", "id4", "id6"]
        assert self.ids(catalog, sort="params.seed") == order
        assert self.ids(catalog, f"params.seed > {2**128}") == ["id4", "id6"]
        assert self.ids(catalog, f"{2**53} < params.seed <= {2**128}") == ["id0", "id2"]
        (column,) = self.ask(catalog, columns=["params.seed"]).columns
        assert list(column.values)[:6] == seeds[:6]
        groups = self.ask(catalog, "params.seed > 0", group=["params.seed"]).columns
        assert set(groups[0].values) == {s for s in seeds if s > 0}

    def test_a_long_text_is_compared_whole_but_for_the_end_of_a_parameter(
        self, catalog: Catalog
    ) -> None:
        texts = ["x" * 600, "x" * 600 + "y"]
        evaluation = self._filled(
            catalog, [{"owner": t, "tags": {"t": t}, "params": {"p": t}} for t in texts], True
        )
        for field, expected in (
            ("owner", ["id0"]),
            ("tags.t", ["id0"]),
            ("params.p", ["id0", "id1"]),
        ):
            question = ask(f"{field} == '{texts[0]}'", sort="created_at", now=NOW)
            assert sorted(catalog.select(question).ids) == expected
            assert evaluation.ids(question.filter) == expected

    def test_texts_are_compared_by_code_point(self, catalog: Catalog) -> None:
        names = ["Z", "a", "é", "\uffff", "\U00010000"]
        self.save(catalog, *(entry_of(f"id{n}", name=name) for n, name in enumerate(names)))
        assert self.ids(catalog, sort="name") == [f"id{n}" for n in range(5)]
        assert self.ids(catalog, "name > '\uffff'") == ["id4"]
        assert self.ids(catalog, "name contains 'A'") == []

    def test_a_reader_sees_what_another_saved(self, catalog: Catalog) -> None:
        thread = threading.Thread(target=self.save, args=(catalog, entry_of("b")))
        thread.start()
        thread.join()
        assert self.ids(catalog) == ["b"]


_IDS = tuple(f"id{number}" for number in range(12))


def _everything(catalog: Answers, filter: str, sort: list[str]) -> list[Any]:
    """The answers to all questions that a filter and a sort make; mistakes as they are told, since they suggest what there is."""
    columns = ["name", "params", "config", "metrics", "tags", "params.n", "metrics.loss.min"]

    def question(**more: Any) -> Question:
        return ask(filter, now=NOW, **more)

    questions: list[Callable[[], Any]] = [
        lambda: catalog.select(question(sort=[*sort, "id"], columns=columns, total=True)),
        lambda: catalog.select(question(sort=[*sort, "id"], limit=2, total=True)),
        lambda: catalog.select(question(sort="id", columns=columns[:1], offset=1, limit=1)),
        lambda: catalog.select(ask(sort=[*sort, "id"], total=True, limit=3, now=NOW)),
        lambda: catalog.select(question(group=["tags.team"], columns=[Wanted(parse_field("file_bytes"), "sum")])),
        lambda: catalog.select(ask(group=["params.mixed"], now=NOW)),
        lambda: catalog.select(msgspec.structs.replace(question(columns=columns), ids=_IDS)),
        lambda: catalog.count(question()),
        lambda: catalog.count(ask(now=NOW)),
        lambda: catalog.facts(FactsQuestion(ids=_IDS, parts=frozenset({"state", "metrics", "files"}), now=NOW)),
        lambda: catalog.select(ask("nowhere > 1", now=NOW)),
        lambda: catalog.select(ask("params.los > 1", now=NOW)),
        lambda: catalog.select(ask("metrics.lossy > 1", now=NOW)),
        lambda: catalog.changed(None).ids,
    ]  # fmt: skip
    for kind in ("param", "config", "metric", "tag", "bindr"):
        for counts in (True, False):
            asked = NamesQuestion(kind=kind, counts=counts)
            questions.append(functools.partial(catalog.names, asked))
    for field in ("name", "params.mixed", "tags.team", "owner"):
        value = NamesQuestion(kind="value", field=parse_field(field), now=NOW)
        questions.append(functools.partial(catalog.names, value))
    return [_outcome(one) for one in questions]


def _outcome(call: Callable[[], Any]) -> str:
    try:
        return repr(call())
    except QueryError as error:
        return f"{error} {error.candidates}"
