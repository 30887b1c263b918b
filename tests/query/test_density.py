"""How many lines run through each cell of a chart, against a slow count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.query.density import Crossings
from anew.query.grid import Grid

COLUMNS, ROWS = 7, 9


def by_hand(lines: list[tuple[list[float], list[float]]], low: float, high: float) -> np.ndarray:
    """Each line walked along in very small steps, in columns from 0 to 7."""
    counts = np.zeros((ROWS, COLUMNS), np.int64)
    for places, values in lines:
        seen: dict[int, list[float]] = {}
        order = np.argsort(places, kind="stable")
        x, y = np.array(places, float)[order], np.array(values, float)[order]
        down = (high - y) * ROWS / (high - low)
        for at, height in zip(x, down, strict=True):
            seen.setdefault(min(int(at), COLUMNS - 1), []).append(height)
        for a, b, p, q in zip(x, x[1:], down, down[1:], strict=False):
            for edge in range(COLUMNS + 1):
                if a < edge < b or (a < edge == b):
                    height = p + (q - p) * (edge - a) / (b - a)
                    for column in (edge - 1, edge):
                        if int(a) <= column <= min(int(b), COLUMNS - 1):
                            seen.setdefault(column, []).append(height)
        for column, heights in seen.items():
            first, last = (int(np.clip(one, 0, ROWS - 1)) for one in (min(heights), max(heights)))
            counts[first : last + 1, column] += 1
    return counts


def counted(lines: list[tuple[list[float], list[float]]], low: float, high: float) -> np.ndarray:
    crossings = Crossings(Grid(0.0, float(COLUMNS), COLUMNS), ROWS, low, high, "linear")
    series = np.repeat(np.arange(len(lines)), [len(x) for x, _ in lines])
    x = np.concatenate([np.array(x, float) for x, _ in lines])
    crossings.add(series, x, np.concatenate([np.array(y, float) for _, y in lines]))
    return crossings.counts()


PLACE = st.integers(0, 4 * COLUMNS).map(lambda n: n / 4)
POINT = st.tuples(PLACE, st.integers(0, 40).map(lambda n: n / 4 + 0.03))
LINE = st.lists(POINT, min_size=1, max_size=12, unique_by=lambda one: one[0])


@given(st.lists(LINE, min_size=1, max_size=6))
def test_each_line_counts_once_in_each_cell_that_it_runs_through(drawn) -> None:
    lines = [([x for x, _ in one], [y for _, y in one]) for one in drawn]
    np.testing.assert_array_equal(counted(lines, 0.0, 10.1), by_hand(lines, 0.0, 10.1))


def test_the_spike_of_one_point_among_a_thousand_lines_is_counted() -> None:
    x = list(np.linspace(0, COLUMNS, 50))
    lines = [(x, [1.0] * 50) for _ in range(1000)]
    lines[500][1][20] = 9.9
    counts = counted(lines, 0.0, 10.0)
    assert counts[0].max() == 1
    assert counts[-1].tolist() == [1000] * COLUMNS


def test_lines_that_were_added_apart_count_as_those_added_together() -> None:
    rng = np.random.default_rng(3)
    series = np.repeat(np.arange(10), 30)
    x, y = rng.uniform(-1, 8, 300), rng.uniform(0.1, 10, 300)
    for spacing in ("linear", "log"):
        one, two = (Crossings(Grid(1.0, 6.0, 5, spacing), 4, 0.1, 10, spacing) for _ in range(2))
        one.add(series, x, y)
        for number in range(10):
            mine = series == number
            two.add(series[mine], x[mine], y[mine])
        np.testing.assert_array_equal(one.counts(), two.counts())
        assert one.counts().sum() > 0


@pytest.mark.parametrize("gap", [np.nan, np.inf, -np.inf])
def test_a_line_breaks_where_a_value_cannot_be_shown(gap: float) -> None:
    counts = counted([([0.5, 1.5, 2.5, 3.5, 4.5], [5.0, 5.0, gap, 5.0, 5.0])], 0.0, 10.0)
    assert counts.sum(axis=0).tolist() == [1, 1, 0, 1, 1, 0, 0]
