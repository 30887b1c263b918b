"""What every catalog must answer: what is asked for, in the order asked for, as filters and sorts mean it."""

from __future__ import annotations

import math
import threading
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..errors import QueryError
from ..query.question import (
    Name,
    NamesQuestion,
    Wanted,
    ask,
    parse_field,
)
from ..record.status import Status
from ..stores.catalog.protocol import Batch, Catalog
from .catalog_writing import NOW, CatalogWriting, entry_of
from .evaluation import Evaluation
from .filters import experiments, filters, sorts
from .settings_told import metrics_told, settings_told

__all__ = ["QuestionTests"]


class QuestionTests(CatalogWriting):
    """The promises of `Catalog.select`, `count` and `names`."""

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
        assert [type(v) for v in answer.columns[0].values] == [bool, int, str, type(None)]
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

    def test_groups_of_a_parameter_have_one_order_on_every_engine(self, catalog: Catalog) -> None:
        given: list[dict[str, Any]] = [
            {}, {"x": None}, {"x": math.nan}, {"x": "b"}, {"x": None}, {"x": 1}, {"x": True},
            {"x": 1.0}, {"x": "a"}, {}, {"x": [1]}, {"x": -1.5}, {"x": 2**70}, {"x": None}, {"y": 1},
        ]  # fmt: skip
        for turn in range(2):  # whichever was written first
            ids = [f"id{turn}-{at}" for at in range(len(given))]
            pairs = list(zip(ids, given, strict=True))[:: 1 - 2 * turn]
            self.save(catalog, *(entry_of(id_, params=params) for id_, params in pairs))
        values, counts = self.ask(catalog, group=["params.x"]).columns
        known = catalog.select(ask(now=NOW)).ids
        meant = Evaluation(self.facts(catalog, *known), NOW).groups("params.x")
        told = zip(values.values, counts.values, strict=True)
        assert [(repr(value), count) for value, count in told] == [
            (repr(value), count) for value, count in meant
        ]
        assert [count for _, count in meant][-2:] == [6, 6]

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

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(experiments(NOW), filters(), st.booleans())
    def test_what_some_experiments_are_set_to_is_told_as_their_values_say_it(
        self, catalog: Catalog, given: list[dict[str, Any]], text: str, finished: bool
    ) -> None:
        self.filled(catalog, given, finished)
        for asked in (ask(now=NOW), ask(text, now=NOW)):
            try:
                expected = settings_told(catalog, asked), metrics_told(catalog, asked)
            except QueryError:
                continue  # a mistake, of these experiments
            settings_, metrics = (
                catalog.names(NamesQuestion(kind=kind, among=asked, now=NOW))
                for kind in ("setting", "metric")
            )
            assert list(map(repr, settings_)) == list(map(repr, expected[0]))
            assert metrics == expected[1]

    def test_settings_are_told_as_they_are_after_a_change_and_of_those_that_are_listed(
        self, catalog: Catalog
    ) -> None:
        keys = self.save(
            catalog,
            entry_of("a", params={"lr": 1, "long": "x" * 600, "kept": [1, {"a": None}]}),
            entry_of("b", params={"lr": 1.0, "long": "x" * 600 + "y"}, tags={"t": None}),
            entry_of("c", params={"lr": None}, tags={"t": "v"}),
        )
        told = NamesQuestion(kind="setting", among=ask(now=NOW), now=NOW)
        assert catalog.names(told) == [
            Name("kept", 1, "[1, {'a': None}]", values=1, kind="param"),
            Name("long", 2, values=2, kind="param"),
            Name("lr", 2, values=2, kind="param"),
            Name("t", 2, values=2, kind="tag"),
        ]
        self.save(catalog, entry_of("b", key=keys[1], params={"lr": 1}, tags={"t": None}))
        catalog.save(Batch(doomed=[keys[2]]))
        assert catalog.names(told)[1:] == [
            Name("long", 1, "x" * 600, values=1, kind="param"),
            Name("lr", 2, 1, values=1, kind="param"),
            Name("t", 1, True, values=1, kind="tag"),
        ]
        listed = msgspec.structs.replace(ask(now=NOW), ids=("b", "gone"))
        of_one = NamesQuestion(kind="setting", among=listed, now=NOW)
        assert [one.name for one in catalog.names(of_one)] == ["lr", "t"]
        nothing = NamesQuestion(kind="setting", among=ask("name == 'nobody'", now=NOW), now=NOW)
        assert catalog.names(nothing) == []

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
        evaluation = self.filled(catalog, given, finished)
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
        evaluation = self.filled(catalog, given, finished)
        try:
            found = self.ids(catalog, sort=sort)
        except QueryError:
            return
        assert found == evaluation.in_order([(s.lstrip("-"), s[0] == "-") for s in sort])

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
        evaluation = self.filled(
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
