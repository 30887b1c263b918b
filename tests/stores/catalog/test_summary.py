"""What metrics add up to does not depend on how the points were cut into blocks."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from anew.record.facts import MetricSummary
from anew.stores.catalog.summary import Tallies, combine, rest_of, tallies_of
from anew.stores.catalog.tallying import add_block
from anew.stores.series.points import decode_block
from anew.testing.lines import point_line

values = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0])
points = st.tuples(
    st.sampled_from(["0001-main", "0002-rank1"]),
    st.dictionaries(st.sampled_from("ab"), values, min_size=1),
    st.none() | st.integers(-5, 5),
    st.booleans(),  # whether a reader looks after this point
)


def kept(tallies: Tallies) -> Tallies:
    """The same as a catalog gives them back, which keeps the summaries."""
    return {
        name: tallies_of(combine(writers), rest_of(writers)) for name, writers in tallies.items()
    }


def summed(log: list[Any]) -> dict[str, MetricSummary]:
    """The summaries after reading the log in the pieces it says."""
    tallies: Tallies = {}
    waiting: dict[str, list[bytes]] = {}
    for writer, metrics, step, look in [*log, (None, {}, None, True)]:
        if writer is not None:
            waiting.setdefault(writer, []).append(point_line(metrics, step, 1.0))
        if look:
            for name, lines in waiting.items():
                add_block(tallies, name, decode_block(b"".join(lines))[0])
            waiting = {}
            tallies = kept(tallies)
    return {name: combine(writers) for name, writers in tallies.items()}


def expected(log: list[Any], name: str) -> dict[str, Any]:
    """The same by definition: all points of a series in as-written order."""
    series = [
        (metrics[name], step)
        for who in ("0001-main", "0002-rank1")
        for writer, metrics, step, _ in log
        if writer == who and name in metrics
    ]
    steps = [i if step is None else step for i, (_, step) in enumerate(series)]
    numbers = [value for value, _ in series]
    real = [v for v in numbers if not math.isnan(v)]
    finite = np.array([v for v in numbers if math.isfinite(v)])
    return {
        "count": len(numbers),
        "first": numbers[0],
        "last": numbers[-1],
        "last_step": steps[-1],
        "min": min(real, default=None),
        "min_step": steps[numbers.index(min(real))] if real else None,
        "max": max(real, default=None),
        "max_step": steps[numbers.index(max(real))] if real else None,
        "mean": pytest.approx(finite.mean(), rel=1e-9, abs=1e-6) if len(finite) else None,
        "std": pytest.approx(finite.std(ddof=1), rel=1e-6, abs=1e-6) if len(finite) > 1 else None,
        "nonfinite": len(numbers) - len(finite),
    }


@settings(max_examples=300, deadline=None)
@given(st.lists(points, min_size=1, max_size=30))
def test_summaries_are_those_of_the_whole_series_however_it_was_read(log: list[Any]):
    found = summed(log)
    assert set(found) == {name for _, metrics, _, _ in log for name in metrics}
    for name, summary in found.items():
        for field, value in expected(log, name).items():
            got = getattr(summary, field)
            both_nan = isinstance(value, float) and isinstance(got, float) and math.isnan(value)
            assert got == value or (both_nan and math.isnan(got)), field


def test_a_series_of_nothing_but_nan_has_no_extremes():
    (summary,) = summed([("w", {"a": math.nan}, 3, False)] * 2).values()
    assert (summary.min, summary.min_step, summary.max, summary.mean, summary.std) == (None,) * 5
    assert (summary.count, summary.nonfinite, summary.last_step) == (2, 2, 3)


def test_huge_values_overflow_to_infinity_without_a_warning():
    (summary,) = summed([("w", {"a": v}, None, False) for v in (1.7e308, -1.7e308)]).values()
    assert (summary.min, summary.max) == (-1.7e308, 1.7e308)
    assert summary.std == math.inf
