"""Small catalogs in memory, and experiments as plain Python for a model to be held against them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from anew.record.facts import ExperimentFacts
from anew.record.fold import ExperimentState
from anew.record.plain import to_plain
from anew.record.status import Status
from anew.stores.catalog.protocol import Batch, Catalog, Entry
from anew.stores.catalog.sqlite import SqliteCatalog
from anew.stores.catalog.summary import Tally

NOW = 1_790_000_000.0


@dataclass
class Exp:
    """An experiment in plain Python. `metrics` are the values logged, in order."""

    id: str
    facts: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    bindrs: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)

    def fact(self, name: str) -> Any:
        if name == "duration":
            started, ended = self.fact("started_at"), self.fact("ended_at")
            return None if started is None else (NOW if ended is None else ended) - started
        return {**_FACTS, "experiment_id": self.id, "prefix": f"a/b/{self.id}", **self.facts}[name]

    def stat(self, metric: str, stat: str) -> float | None:
        """A value of a metric; NaN where it is not a number, None where there is none."""
        values = self.metrics.get(metric)
        if not values:
            return None
        numbers = [v for v in values if v == v]
        finite = [v for v in values if math.isfinite(v)]
        found: dict[str, float | None] = {
            "last": values[-1],
            "first": values[0],
            "min": min(numbers, default=math.nan),
            "max": max(numbers, default=math.nan),
            "count": float(len(values)),
            "step": float(len(values) - 1),
            "nonfinite": float(len(values) - len(finite)),
        }
        return found[stat]


_FACTS: dict[str, Any] = {
    "name": "run",
    "owner": None,
    "project": None,
    "status": "completed",
    "reason": None,
    "created_at": NOW - 1000,
    "started_at": NOW - 1000,
    "ended_at": NOW - 500,
    "updated_at": NOW - 500,
    "user": None,
    "host": None,
    "git_commit": None,
    "git_branch": None,
    "git_dirty": None,
    "parent": None,
    "relation": None,
    "description": None,
    "notes": None,
    "metric_count": 0,
    "point_count": 0,
    "file_count": 0,
    "file_bytes": 0,
    "value_count": 0,
    "lost": 0,
}


def tally(values: Sequence[float]) -> Tally:
    numbers = [v for v in values if v == v]
    finite = [v for v in values if math.isfinite(v)]
    mean = sum(finite) / len(finite) if finite else 0.0
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
        m2=sum((v - mean) ** 2 for v in finite),
    )


def catalog_of(experiments: Sequence[Exp]) -> SqliteCatalog:
    """A catalog with these experiments, keys from 1 in their order."""
    catalog = SqliteCatalog(None)
    fill(catalog, experiments)
    return catalog


def fill(catalog: Catalog, experiments: Sequence[Exp]) -> None:
    """Have these experiments alone in a catalog, keys from 1 in their order."""
    catalog.create()
    entries = []
    for one in experiments:
        tallies = {name: {"0001-main": tally(v)} for name, v in one.metrics.items() if v}
        state = ExperimentState(
            experiment_id=one.id,
            name=one.fact("name"),
            created_at=one.fact("created_at"),
            params=to_plain(one.params),
            config=to_plain(one.config),
            tags=one.tags,
            bindrs=one.bindrs,
        )
        entries.append(
            Entry(
                key=None,
                facts=ExperimentFacts(
                    id=one.id,
                    prefix=one.fact("prefix"),
                    status=Status(one.fact("status")),
                    **{name: one.fact(name) for name in _FACTS if name != "status"},
                ),
                cursor=msgspec.msgpack.encode({}),
                live=False,
                whole=True,
                state=msgspec.msgpack.encode(state),
                params=one.params,
                config=one.config,
                tags=one.tags,
                bindrs=one.bindrs,
                metrics=tallies,
            )
        )
    catalog.save(Batch(entries=entries))
    catalog.finish()
