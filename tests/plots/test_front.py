"""Those that no other one beats: held against each pair, and against what was the best so far."""

import numpy as np
import pytest

from anew.errors import InvalidValue
from anew.plots import plot_scatter
from anew.plots.front import BETTER, front_of

from .conftest import SWEEP


@pytest.mark.parametrize("better", BETTER)
@pytest.mark.parametrize("seed", range(4))
def test_the_front_is_what_nobody_beats(better, seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 12, size=(2, 150)).astype(float)  # many are equal
    points[rng.random(points.shape) < 0.05] = np.nan
    points[rng.random(points.shape) < 0.05] = np.inf
    x, y = (values * (1 if end == "low" else -1) for values, end in zip(points, better.split("-"), strict=True))  # fmt: skip
    there = np.isfinite(x) & np.isfinite(y)
    beaten = (x[:, None] <= x) & (y[:, None] <= y) & ((x[:, None] < x) | (y[:, None] < y)) & there[:, None]  # fmt: skip
    found = front_of(*points, better)
    assert sorted(found) == np.flatnonzero(there & ~beaten.any(axis=0)).tolist()
    along = x[list(found)]
    assert (np.diff(along) >= 0).all()


def test_along_time_the_front_is_the_best_so_far():
    losses = np.array([3.0, 5.0, 2.0, np.nan, 2.5, 1.0, 4.0])
    assert front_of(range(7), losses, "low-low") == (0, 2, 5)
    assert front_of(range(7), losses, "low-high") == (0, 1)
    assert front_of([], [], "low-low") == ()


def test_stairs_lead_from_one_to_the_next(store):
    axes = plot_scatter(store, SWEEP, "params.lr", "val/loss", front="low-low").axes[0]
    dots = np.asarray(axes.collections[0].get_offsets())
    (line,) = (one for one in axes.get_lines() if len(one.get_xdata()) > 1 and one.get_marker() == "None")  # fmt: skip
    front = front_of(dots[:, 0], dots[:, 1], "low-low")
    assert line.get_xdata()[0] == dots[front[0], 0]
    assert line.get_ydata()[-1] == dots[:, 1].min()
    assert line.get_xdata()[-1] == dots[:, 0].max()


def test_of_texts_none_is_better(store):
    with pytest.raises(InvalidValue, match="numbers"):
        plot_scatter(store, SWEEP, "params.model.name", "val/acc", front="low-low")
    with pytest.raises(InvalidValue, match="low-high"):
        plot_scatter(store, SWEEP, "params.lr", "val/acc", front="best")
