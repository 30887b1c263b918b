"""Entries for a catalog, and saving and asking them, for the suite of `testing.catalog`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ..query.question import (
    FactsQuestion,
    NamesQuestion,
    Part,
    Selected,
    ask,
)
from ..record.facts import ExperimentFacts
from ..record.fold import ExperimentState
from ..record.inputs import inputs_of
from ..record.packed import pack
from ..record.plain import nest, to_plain
from ..record.status import Status
from ..stores.catalog.protocol import Batch, Catalog, Entry
from ..stores.catalog.summary import Tally
from .evaluation import Evaluation

__all__ = ["NOW", "CatalogWriting", "entry_of", "tally_of"]

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
    inputs: Mapping[str, str] | None = None,
    metrics: dict[str, Sequence[float]] | None = None,
    **more: Any,
) -> Entry:
    """A whole entry; `params` and `config` are flat, `inputs` are hashes by name, `metrics` are the values logged, `more` are fields of it
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
        captured={"inputs": {name: {"sha256": hash} for name, hash in (inputs or {}).items()}},
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
        inputs=inputs_of(state),
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


class CatalogWriting:
    """What the promises of a catalog stand on: one that is created and empty, entries for it, and questions to it."""

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

    def filled(self, catalog: Catalog, given: list[dict[str, Any]], finished: bool) -> Evaluation:
        """Have these experiments alone in it; what a filter or a sort makes of them."""
        catalog.create()
        ids = [f"id{number}" for number in range(len(given))]
        pairs = zip(ids, given, strict=True)
        catalog.save(Batch(entries=[entry_of(one, **facts) for one, facts in pairs]))
        if finished:
            catalog.finish()
        return Evaluation(self.facts(catalog, *ids), NOW)
