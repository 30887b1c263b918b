"""A series downsampled as it lies in the store is the one that would be chosen from the whole."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.query.downsample import kept
from anew.query.points import PointsQuestion
from anew.reading.local.points import series_of, thinned_in_place
from anew.stores.series.columns import Outline, Stretch, assemble

VALUES = st.lists(
    st.sampled_from([0.0, -0.0, 1.0, 2.5, -7.0, math.nan, math.inf, -math.inf]), max_size=60
)


def pieces_of(values: list[float], cuts: list[int]) -> list[np.ndarray[Any, Any]]:
    return np.split(np.array(values, np.float64), sorted(min(c, len(values)) for c in cuts))


def runs_of(values: list[float], cuts: list[int], steps: list[int] | None = None) -> list[Stretch]:
    runs, at = [], 0
    for piece in pieces_of(values, cuts):
        here = np.arange(at, at + len(piece), dtype=np.int64)
        step = here if steps is None else np.array(steps, np.int64)[here]
        if len(piece):
            runs.append(Stretch("loss", 0, step, None, here * 0.5, piece))
        at += len(piece)
    return runs


@given(VALUES, st.lists(st.integers(0, 60), max_size=6), st.integers(1, 40))
def test_pieces_keep_the_same_points_as_the_whole(
    values: list[float], cuts: list[int], points: int
) -> None:
    whole = kept(np.array(values, np.float64), points)
    pieces = kept(pieces_of(values, cuts), points)
    assert (whole is None) == (pieces is None)
    if whole is not None and pieces is not None:
        assert whole.tolist() == pieces.tolist()


@given(VALUES, st.lists(st.integers(0, 60), max_size=6), st.integers(1, 40))
def test_a_series_in_pieces_is_thinned_like_the_assembled_one(
    values: list[float], cuts: list[int], points: int
) -> None:
    runs = runs_of(values, cuts)
    thin = thinned_in_place([*map(Outline.whole, runs)], "id", "loss", points)
    whole = series_of(
        assemble(runs, (), ["loss"]), "id", "loss", PointsQuestion(ids=("id",), points=points)
    )
    if thin is None:
        assert len(whole.steps) == len(values)
        return
    assert thin.total == whole.total == len(values)
    assert thin.steps.tolist() == whole.steps.tolist()
    assert thin.times.tolist() == whole.times.tolist()
    assert np.array_equal(thin.values, whole.values, equal_nan=True)


@pytest.mark.parametrize("steps", [[0, 2, 1, 3, 4, 5], [0, 1, 2, 2, 1, 5], [3, 4, 5, 0, 1, 2]])
def test_steps_out_of_order_are_put_together_first(steps: list[int]) -> None:
    runs = [*map(Outline.whole, runs_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3], steps))]
    assert thinned_in_place(runs, "id", "loss", 4) is None


def test_points_without_steps_are_put_together_first() -> None:
    (run,) = runs_of([float(i) for i in range(10)], [])
    runs = [Outline.whole(run._replace(given=np.zeros(10, np.bool_)))]
    assert thinned_in_place(runs, "id", "loss", 4) is None
