"""What every catalog must tell of columns: the values that were recorded, whether they are looked up of few experiments or read of very many."""

from __future__ import annotations

import itertools
import math
from typing import Any

import msgspec

from ..query.question import ask
from ..query.scope import Scope
from ..record.status import Status
from ..stores.catalog.protocol import Batch, Catalog
from .catalog_writing import NOW, CatalogWriting, entry_of

__all__ = ["ColumnTests"]

_MANY = 3200
_MIXED: tuple[Any, ...] = (
    1, 0.5, "a", True, None, math.nan, [1, "b"], "ü" * 600, 2**80, -(2**60) - 1, -math.inf, "\x00\n\"", 2**53, False,
)  # fmt: skip
_ODD = ("\x00a", 'q"\\', "", "𝄞\u2028", "null", "\x1f")
_PARAMS = ("odd", "float", "int", "wide", "text", "long", "truth", "gaps", "nan", "mixed", "both")
_FIELDS = (
    *(f"params.{name}" for name in _PARAMS),
    *("both", "config.both", "config.text", "tags.team", "tags.plain", "tags.some", "name", "status", "created_at", "duration", "git.dirty", "lost"),
    *("metrics.loss", "metrics.loss.min", "metrics.loss.mean", "metrics.loss.std", "metrics.loss.count", "metrics.gaps", "metrics.gaps.step", "metrics.loss.nonfinite", "metrics.bad.max"),
)  # fmt: skip


class ColumnTests(CatalogWriting):
    """The promises of the columns of `Catalog.select`."""

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

    def test_columns_of_very_many_are_what_was_recorded(self, catalog: Catalog) -> None:
        given = [_recorded(n) for n in range(_MANY)]
        keys = self.save(catalog, *(entry_of(**one) for one in given))
        catalog.finish()
        # Those that are gone leave holes, at both ends too.
        catalog.save(Batch(doomed=[keys[0], *keys[5::11], keys[-1]]))
        gone = {0, *range(5, _MANY, 11), _MANY - 1}
        given = [one for n, one in enumerate(given) if n not in gone]
        told = {
            field: {one["experiment_id"]: repr(_told(one, field)) for one in given}
            for field in _FIELDS
        }
        # All of them at once are read out of documents, and a few each for itself.
        together = (_FIELDS, *(_FIELDS[first::6] for first in range(6)))
        scoped = Scope(("lab/*",))
        cases = (
            (None, None, ()),
            (scoped, "params.gaps exists", ()),
            (scoped, None, ("-created_at",)),
        )
        for (scope, filter, sort), fields in itertools.product(cases, together):
            met = [one for one in given if scope is None or one["prefix"].startswith("lab/")]
            met = [one for one in met if filter is None or "gaps" in one["params"]]
            ordered = sorted(met, key=lambda one: -one["created_at"]) if sort else met
            question = ask(filter, sort=sort, columns=fields, now=NOW)
            answer = catalog.within(scope).select(question)
            assert answer.ids == [one["experiment_id"] for one in ordered]
            for field, column in zip(fields, answer.columns, strict=True):
                expected = list(map(told[field].__getitem__, answer.ids))
                assert list(map(repr, column.values)) == expected, (field, filter, sort)

    def test_ids_are_not_told_of_more_than_are_wanted(self, catalog: Catalog) -> None:
        self.save(catalog, *(entry_of(f"id{n}", params={"n": n}) for n in range(5)))
        for filter, count in ((None, 5), ("params.n > 1", 3)):
            for most in (0, count - 1, count, None):
                asked = ask(filter, columns=["params.n"], now=NOW)
                found = catalog.select(msgspec.structs.replace(asked, most_ids=most))
                assert found.total == count
                assert len(found.columns[0].values) == count
                assert len(found.ids) == (count if most in (count, None) else 0)


def _recorded(n: int) -> dict[str, Any]:
    """An experiment of very many, each of a kind of its own, as `entry_of` takes it."""
    params: dict[str, Any] = {
        "float": n / 7, "int": n - 9, "wide": 2**53 * (-1) ** n + n, "text": f"é{n % 6}", "truth": n % 3 > 0,
        "odd": _ODD[n % len(_ODD)],
        "nan": math.nan if n % 4 else 0.25, "mixed": _MIXED[n % len(_MIXED)],
    }  # fmt: skip
    if n % 2:
        params["long"] = "l" * (n % 900)
    if n % 5 < 4:
        params["gaps"] = float(n)
    if n % 3:
        params["both"] = n
    metrics: dict[str, Any] = {
        "loss": [1.0, n / 3, math.inf][: n % 3 + 1],
        "bad": [math.nan] * (n % 2 + 1),
    }
    if n % 7:
        metrics["gaps"] = [0.5] * (n % 7)
    return {
        "experiment_id": f"id{n:05d}", "prefix": f"{'lab' if n % 10 else 'else'}/x/{n}", "name": f"n{n}",
        "params": params, "config": {"both": "c", "text": f"t{n % 3}"} if n % 4 else {"text": "t"},
        "tags": {"plain": None, "team": f"team {n % 8}"} | ({"some": "s"} if n % 13 == 0 else {}),
        "metrics": metrics, "created_at": float(n * 7919 % 10_007), "lost": n % 4, "git_dirty": (None, True, False)[n % 3],
        "status": Status.FAILED if n % 20 == 0 else Status.COMPLETED, "started_at": NOW - 9 if n % 2 else None,
    }  # fmt: skip


def _told(one: dict[str, Any], field: str) -> Any:
    """What a field of it is."""
    section, _, name = field.partition(".")
    if field == "both":
        return one["params"].get("both", one["config"].get("both"))
    if section in ("params", "config", "tags"):
        return one[section].get(name)
    if field == "git.dirty":
        return one["git_dirty"]
    if field == "duration":
        return None if one["started_at"] is None else 9.0
    if section != "metrics":
        return str(one[field]) if field == "status" else one[field]
    metric, _, stat = name.partition(".")
    values = one["metrics"].get(metric)
    if values is None:
        return None
    finite = [value for value in values if math.isfinite(value)]
    mean = sum(finite) / len(finite) if finite else math.nan
    deviation = math.sqrt(sum((v - mean) ** 2 for v in finite) / (len(finite) - 1)) if len(finite) > 1 else None  # fmt: skip
    told = {
        "": values[-1], "min": min(values), "max": max(values), "mean": mean, "std": deviation,
        "count": len(values), "nonfinite": len(values) - len(finite), "step": len(values) - 1,
    }  # fmt: skip
    return told[stat]
