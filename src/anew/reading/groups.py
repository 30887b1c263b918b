"""Experiments that are equal in some fields as one row: how many there are, and how their results spread."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..query.question import Wanted, ask, parse_field
from ..query.syntax import Expression
from .backend import Backend
from .given import asks_for_relations, is_reproduction

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

__all__ = ["Group", "Groups", "Spread", "groups_of"]

_OF: tuple[Literal["mean", "std", "min", "max"], ...] = ("mean", "std", "min", "max")


@dataclass(frozen=True)
class Spread:
    """How the values of a group spread: mean, standard deviation (with n - 1; None of a single one), smallest and largest."""

    mean: float | None
    sd: float | None
    min: float | None
    max: float | None


@dataclass(frozen=True)
class Group:
    """Experiments that are equal in some fields.

    Attributes:
        by: The fields, each with the value that all of them have; None where they have none.
        n: How many there are.
        results: By what was asked for, how it spreads over those that have it.
    """

    by: dict[str, Any]
    n: int
    results: dict[str, Spread]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "by": self.by,
            "n": self.n,
            "results": {name: dict(one.__dict__) for name, one in self.results.items()},
        }


class Groups(Sequence[Group]):
    """Groups in the order of their values, what has none last; frozen."""

    def __init__(
        self, groups: Sequence[Group], by: Sequence[str], results: Sequence[str], total: int
    ) -> None:
        self._groups = tuple(groups)
        self._by, self._results = tuple(by), tuple(results)
        self.total = total

    def __getitem__(self, index: Any) -> Any:
        return self._groups[index]

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def __repr__(self) -> str:
        return f"<Groups {len(self)} by {', '.join(self._by)}>"

    def to_arrow(self) -> pa.Table:
        """A row per group: the fields grouped by, `n`, and `<result>.mean`, `.sd`, `.min`, `.max` for each result."""
        from .frames import column, pa

        columns: dict[str, Any] = {
            name: column([one.by[name] for one in self]) for name in self._by
        }
        columns["n"] = pa.array([one.n for one in self], pa.int64())
        for name in self._results:
            for of in ("mean", "sd", "min", "max"):
                values = [getattr(one.results[name], of) for one in self]
                columns[f"{name}.{of}"] = pa.array(values, pa.float64())
        return pa.table(columns)

    def to_pandas(self) -> pandas.DataFrame:
        """As `to_arrow`, for pandas."""
        from .frames import to_pandas

        return to_pandas(self.to_arrow())

    def to_polars(self) -> polars.DataFrame:
        """As `to_arrow`, for Polars."""
        from .frames import to_polars

        return to_polars(self.to_arrow())


def groups_of(
    backend: Backend,
    by: Sequence[str],
    results: dict[str, str],
    filter: str | None,
    *,
    given: Sequence[Expression] = (),
    limit: int | None = None,
    reproductions: bool = False,
) -> Groups:
    """The groups of the experiments that meet a filter.

    Args:
        by: The fields to group by.
        results: What to tell of each group: titles, each with the field.

    Raises:
        QueryError: The filter or a field cannot be read, or names what was never logged.
    """
    wanted = [Wanted(parse_field(field), of) for field in results.values() for of in _OF]
    now = time.time()
    text = filter if filter and filter.strip() else None
    question = ask(text, given=given, columns=wanted, group=by, limit=limit, total=True, now=now)
    if not (reproductions or asks_for_relations(question.filter)):
        more = [*given, *is_reproduction(False)]
        question = ask(text, given=more, columns=wanted, group=by, limit=limit, total=True, now=now)
    found = backend.select(question)
    columns = [one.values for one in found.columns]
    groups = []
    for row in zip(*columns, strict=True):
        cells = row[len(by) + 1 :]
        spreads = {
            name: Spread(*cells[at * len(_OF) : (at + 1) * len(_OF)])
            for at, name in enumerate(results)
        }
        groups.append(Group(dict(zip(by, row, strict=False)), row[len(by)], spreads))
    return Groups(groups, by, list(results), len(groups) if found.total is None else found.total)
