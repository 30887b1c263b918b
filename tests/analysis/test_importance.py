"""Which settings matter: those that were made to."""

from __future__ import annotations

import numpy as np
import pytest

from anew.analysis.importance import importance
from later import later

stats = later("scipy.stats")

RANDOM = np.random.default_rng(1)
N = 240
LR = RANDOM.choice([0.1, 0.01, 0.001], N)
WIDTH = RANDOM.uniform(1, 1000, N)
NOISE = RANDOM.integers(0, 5, N).astype(float)
RESULT = np.log10(LR) + 0.3 * RANDOM.normal(size=N) + WIDTH / 4000


def test_a_setting_explains_what_it_was_made_to_and_noise_nothing():
    found = {one.field: one for one in importance(RESULT, {"lr": LR, "width": WIDTH, "noise": NOISE})}  # fmt: skip
    assert next(iter(found)) == "lr"
    assert found["lr"].share > 0.7
    assert found["lr"].interval[0] < found["lr"].share + 0.02
    assert found["lr"].p < 0.01
    assert abs(found["noise"].share) < 0.06
    assert found["noise"].p > 0.05
    assert found["width"].groups == 8


def test_the_share_is_epsilon_squared_of_the_ranks():
    ranks = stats.rankdata(RESULT)
    groups = [ranks[one == LR] for one in np.unique(LR)]
    whole = ((ranks - ranks.mean()) ** 2).sum()
    within = sum(((one - one.mean()) ** 2).sum() for one in groups)
    expected = 1 - within / (N - 3) / (whole / (N - 1))
    [found] = importance(RESULT, {"lr": LR})
    assert found.share == pytest.approx(expected, rel=1e-12)


def test_what_explodes_counts_as_the_worst_and_what_is_missing_not_at_all():
    result = RESULT.copy()
    result[LR == 0.1] *= 1e300
    result[:20] = np.nan
    result[20] = np.inf
    [found] = importance(result, {"lr": LR})
    assert found.n == N - 21
    assert found.share > 0.5


def test_a_setting_that_says_nothing_is_left_out():
    settings = {"one": np.ones(N), "none": np.full(N, np.nan), "few": np.where(np.arange(N) < 3, 1.0, np.nan)}  # fmt: skip
    assert importance(RESULT, settings) == []
    assert importance(np.zeros(N), {"lr": LR}) == []
