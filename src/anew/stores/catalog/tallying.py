"""Adding points to the tallies of metrics: a block of arrays at a time, so readers of summaries need no numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..series.columns import Block, grouped
from .summary import Tallies, Tally, after

__all__ = ["add_block"]


def add_block(tallies: Tallies, writer: str, block: Block) -> set[str]:
    """Add a block of a writer's new points; returns the names of the metrics in it."""
    if not len(block):
        return set()
    block, starts = grouped(block)
    with np.errstate(over="ignore", invalid="ignore"):
        columns = _reduced(block, starts)
    seen = set()
    for at, name in enumerate(block.names):
        if starts[at + 1] > starts[at]:
            mine = tallies.setdefault(name, {})
            new = Tally(*(column[at] for column in columns))
            old = mine.get(writer)
            mine[writer] = new if old is None else after(old, new)
            seen.add(name)
    return seen


def _reduced(block: Block, starts: Any) -> list[list[Any]]:
    """The fields of a tally per series, as columns."""
    some = starts[1:] > starts[:-1]
    begin = starts[:-1][some]
    value = block.value
    count = np.diff(starts)[some]
    position = np.arange(len(value)) - begin.repeat(count)
    given = np.ones(len(value), np.bool_) if block.given is None else block.given
    step = block.step if block.given is None else np.where(given, block.step, position)
    last = begin + count - 1
    finite = np.isfinite(value)
    finite_count = np.add.reduceat(finite, begin, dtype=np.int64)
    clean = value if finite.all() else np.where(finite, value, 0.0)
    mean = np.add.reduceat(clean, begin) / np.maximum(finite_count, 1)
    distance = clean - mean.repeat(count)
    m2 = np.add.reduceat(np.where(finite, distance * distance, 0.0), begin)
    low, high = np.fmin.reduceat(value, begin), np.fmax.reduceat(value, begin)
    low_at, high_at = (_first_equal(value, best, begin, count) for best in (low, high))
    columns = [
        count,
        count - finite_count,
        value[begin],
        value[last],
        block.time[last],
        step[last],
        given[last],
        low,
        step[low_at],
        given[low_at],
        high,
        step[high_at],
        given[high_at],
        mean,
        m2,
    ]
    full = []
    for column in columns:
        wide = np.zeros(len(some), column.dtype)
        wide[some] = column
        full.append(wide.tolist())
    return full


def _first_equal(value: Any, best: Any, begin: Any, count: Any) -> Any:
    """Where each series first has its best value; its begin when it has none (all NaN)."""
    hits = np.flatnonzero(value == best.repeat(count))
    if not len(hits):
        return begin
    at = np.minimum(np.searchsorted(hits, begin), len(hits) - 1)
    found = hits[at]
    return np.where((found >= begin) & (found < begin + count), found, begin)
