"""Which settings matter for a result: how much of its variance each explains alone, and how sure that is. Pure.

The result is taken as ranks, so that one that exploded counts no more than the worst. The values of a setting make groups (numbers with many
values in parts of equal size), and the share that the groups explain is adjusted for what any groups would by chance (Kelley's
epsilon squared, 1935): a setting without effect has 0 on average. The interval is by bootstrap over experiments, and `p` by permutation. What settings do only
together is in no share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np

from ..query.arrays import Floats, Ints

__all__ = ["Importance", "importance"]

_PARTS = 8
"""Of a number with more values than this, so many parts of equal size are the groups."""
_LEAST = 5
_DRAWS = (100, 400)
_WORK = 20_000_000


class Importance(msgspec.Struct, frozen=True, kw_only=True):
    """How much a setting alone explains of a result.

    Attributes:
        field: The setting.
        n: Of how many experiments: those that have the setting and the result.
        groups: Into how many groups its values put them.
        share: The part of the variance of ranks that it explains, adjusted for chance; may be below zero by chance.
        interval: Where the share lies (95%, by bootstrap).
        p: How likely so large a share is if it has no effect, by permutation.
    """

    field: str
    n: int
    groups: int
    share: float
    interval: tuple[float, float]
    p: float


def importance(result: Floats, settings: Mapping[str, Floats]) -> list[Importance]:
    """How much each setting explains of a result, the most telling first; those that do not vary are left out.

    Args:
        result: One value per experiment; NaN where there is none.
        settings: By name, a number or the number of a text per experiment; NaN where there is none.
    """
    found = []
    for name, values in settings.items():
        there = np.isfinite(result) & np.isfinite(values)
        if there.sum() < _LEAST:
            continue
        groups, count = _groups(values[there])
        ranks = _ranks(result[there])
        if count < 2 or count >= len(ranks) or ranks.min() == ranks.max():
            continue
        found.append(_of(name, ranks, groups, count))
    return sorted(found, key=lambda one: -one.share)


def _of(name: str, ranks: Floats, groups: Ints, count: int) -> Importance:
    n = len(ranks)
    random = np.random.default_rng(0)
    draws = max(_DRAWS[0], min(_DRAWS[1], _WORK // n))
    share = _share(ranks, groups, count)
    again, chance = [], 0
    for _ in range(draws):
        chosen = random.integers(0, n, n)
        one = _share(ranks[chosen], groups[chosen], count)
        if math.isfinite(one):
            again.append(one)
        chance += _share(random.permutation(ranks), groups, count) >= share
    low, high = np.quantile(again, (0.025, 0.975)) if again else (math.nan, math.nan)
    return Importance(
        field=name, n=n, groups=count, share=share, interval=(float(low), float(high)), p=(chance + 1) / (draws + 1)
    )  # fmt: skip


def _share(ranks: Floats, groups: Ints, count: int) -> float:
    sizes = np.bincount(groups, minlength=count)
    sums = np.bincount(groups, ranks, minlength=count)
    there = sizes > 0
    n, k = len(ranks), int(there.sum())
    mean = ranks.mean()
    whole = float(((ranks - mean) ** 2).sum())
    if k >= n or whole == 0:
        return math.nan
    between = float((sums[there] ** 2 / sizes[there]).sum() - n * mean**2)
    return 1 - (whole - between) / (n - k) / (whole / (n - 1))


def _groups(values: Floats) -> tuple[Ints, int]:
    """The group of each value, and how many groups there are."""
    distinct, groups = np.unique(values, return_inverse=True)
    if len(distinct) <= _PARTS:
        return groups.astype(np.int64), len(distinct)
    parts = max(2, min(_PARTS, len(values) // _LEAST))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, parts + 1)[1:-1]))
    found, groups = np.unique(np.searchsorted(edges, values, "right"), return_inverse=True)
    return groups.astype(np.int64), len(found)


def _ranks(values: Floats) -> Floats:
    """Ranks from 0 on, equal values with the mean of theirs."""
    _, place, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    return (ends - (sizes + 1) / 2)[place]
