"""How far two curves are apart, for a chart."""

from __future__ import annotations

import numpy as np
import pytest

from anew.reproduce.gap import gap_of
from anew.reproduce.verdict import Curve


def curve(steps: list[int], values: list[float]) -> Curve:
    return Curve(np.array(steps, np.int64), np.array(values, np.float64))


def test_a_gap_is_between_points_that_both_have():
    found = gap_of(curve([1, 2, 3, 5], [1, 2, 3, 4]), curve([2, 3, 4, 5], [2, 4, 9, 4]), 10)
    assert (found.steps.tolist(), found.gap.tolist()) == ([2, 3, 5], [0, 1, 0])
    assert (found.matched, found.exact) == (3, True)


@pytest.mark.parametrize("odd", [0, 7_777, 99_999])
def test_the_largest_gap_of_many_points_is_never_lost(odd: int):
    steps = np.arange(100_000, dtype=np.int64)
    a = np.zeros(100_000)
    b = a.copy()
    b[odd] = -3.0
    found = gap_of(Curve(steps, a), Curve(steps, b), 50)
    assert len(found.steps) == 50
    assert not found.exact
    assert found.gap[np.argmax(np.abs(found.gap))] == -3.0
    assert odd in found.steps


def test_values_that_are_no_numbers_in_both_are_no_gap_and_in_one_are_the_largest():
    nan = float("nan")
    found = gap_of(curve([1, 2, 3], [nan, 1, 1]), curve([1, 2, 3], [nan, nan, 50]), 1)
    assert found.steps.tolist() == [2]
    assert np.isnan(found.gap[0])
    whole = gap_of(curve([1], [nan]), curve([1], [nan]), 5)
    assert whole.gap.tolist() == [0.0]
    inf = float("inf")
    assert gap_of(curve([1], [inf]), curve([1], [inf]), 5).gap.tolist() == [0.0]
