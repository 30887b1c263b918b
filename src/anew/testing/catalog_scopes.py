"""What every catalog must do for somebody who may see a part of it: answer as if nothing else were there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

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
    Question,
    Wanted,
    ask,
    parse_field,
)
from ..query.scope import Scope, project_of
from ..stores.catalog.protocol import Answers, Batch, Catalog
from .catalog_writing import NOW, CatalogWriting, entry_of
from .filters import PLACES, experiments, filters, scopes, sorts

__all__ = ["ScopeTests"]


class ScopeTests(CatalogWriting):
    """The promises of `Catalog.within`."""

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
        self.filled(catalog, all_, finished)
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
    for of in ("setting", "metric"):
        some = lambda kind=of: catalog.names(NamesQuestion(kind=kind, among=question(), now=NOW))  # noqa: E731
        questions.append(some)
    for field in ("name", "params.mixed", "tags.team", "owner"):
        value = NamesQuestion(kind="value", field=parse_field(field), now=NOW)
        questions.append(functools.partial(catalog.names, value))
    return [_outcome(one) for one in questions]


def _outcome(call: Callable[[], Any]) -> str:
    try:
        return repr(call())
    except QueryError as error:
        return f"{error} {error.candidates}"
