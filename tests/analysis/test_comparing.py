"""Two groups of results, held against scipy and against what can be counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from anew.analysis.comparing import EXACT, compare, compare_pairs
from anew.analysis.distributions import t_beyond, t_quantile
from later import later

stats = later("scipy.stats")

A = [0.91, 0.93, 0.90, 0.94, 0.92]
B = [0.95, 0.93, 0.96, 0.94, 0.97, 0.95]


def apart(one, other):
    return abs(np.mean(one) - np.mean(other))


@pytest.mark.parametrize("df", [1, 2, 3.7, 10, 250, 1e6])
def test_the_t_distribution_is_that_of_scipy(df):
    for t in (0.0, 1e-9, 0.3, 1.0, 2.5, 12.0, 80.0):
        assert t_beyond(t, df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-8, abs=1e-300)
    for p in (0.5, 0.6, 0.8, 0.975, 0.9999, 0.01):
        assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-8, abs=1e-12)


def test_two_groups_have_the_interval_and_the_probabilities_of_scipy():
    found = compare(A, B)
    welch = stats.ttest_ind(B, A, equal_var=False)
    assert found.welch_p == pytest.approx(welch.pvalue, rel=1e-10)
    assert found.interval == pytest.approx(tuple(welch.confidence_interval(0.95)), rel=1e-10)
    assert found.difference == pytest.approx(np.mean(B) - np.mean(A))
    dealt = stats.permutation_test((B, A), apart, alternative="greater", n_resamples=np.inf)
    assert (found.exact, found.ways) == (True, math.comb(11, 5))
    assert found.p == pytest.approx(dealt.pvalue, rel=1e-12)
    assert found.wins == stats.mannwhitneyu(B, A).statistic / (len(A) * len(B))
    pooled = math.sqrt((4 * np.var(A, ddof=1) + 5 * np.var(B, ddof=1)) / 9)
    unbiased = math.gamma(9 / 2) / (math.sqrt(9 / 2) * math.gamma(8 / 2))
    assert found.effect == pytest.approx(unbiased * found.difference / pooled, rel=1e-12)
    assert found.effect_interval[0] < found.effect < found.effect_interval[1]


def test_pairs_have_the_interval_and_the_probabilities_of_scipy():
    found = compare_pairs(A, B[:5])
    paired = stats.ttest_rel(B[:5], A)
    assert found.pairs == 5
    assert found.welch_p == pytest.approx(paired.pvalue, rel=1e-10)
    assert found.interval == pytest.approx(tuple(paired.confidence_interval(0.95)), rel=1e-10)
    swapped = stats.permutation_test(
        (B[:5], A), apart, alternative="greater", permutation_type="samples", n_resamples=np.inf
    )  # fmt: skip
    assert found.p == pytest.approx(swapped.pvalue, rel=1e-12)
    assert (found.exact, found.ways, found.least_p) == (True, 32, 2 / 32)


def test_of_many_ways_some_are_drawn_and_say_about_the_same():
    random = np.random.default_rng(3)
    a, b = random.normal(0, 1, 40), random.normal(0.4, 1, 40)
    found = compare(a.tolist(), b.tolist())
    assert not found.exact
    assert found.ways < EXACT
    assert found.p == pytest.approx(found.welch_p, abs=0.02)
    pairs = compare_pairs(a.tolist(), b.tolist())
    assert not pairs.exact
    assert pairs.p == pytest.approx(pairs.welch_p, abs=0.02)


def test_too_few_results_are_said_to_show_nothing_whatever_they_are():
    found = compare([0.1, 0.2, 0.3], [10.1, 10.2, 10.3])
    assert found.p == found.least_p == pytest.approx(0.1)
    assert "too few" in found.notes[0]
    assert "0.1" in found.notes[0]
    single = compare([1.0], [2.0, 3.0])
    assert (single.interval, single.effect, single.welch_p, single.needed) == (None,) * 4
    assert any("single result" in one for one in single.notes)
    enough = compare([0.1, 0.2, 0.3, 0.4], [10.1, 10.2, 10.3, 10.4])
    assert enough.p == pytest.approx(2 / 70)
    assert not any("too few" in one for one in enough.notes)


def test_where_the_interval_and_the_test_do_not_agree_it_is_said_to_be_open():
    found = compare([0.8789, 0.8813, 0.9102, 0.9149], [0.9147, 0.9214, 0.9434, 0.9553])
    assert found.interval[0] > 0
    assert found.least_p < 0.05 < found.p
    assert any("do not agree" in one for one in found.notes)
    for agreeing in (
        ([0.1, 0.2, 0.3, 0.4], [1.1, 1.2, 1.3, 1.4]),
        ([0.1, 0.2, 0.3], [10.1, 10.2, 10.3]),
    ):
        assert not any("do not agree" in one for one in compare(*agreeing).notes)


@pytest.mark.parametrize("n", [4, 8, 30, 200])
def test_what_so_many_results_detect_is_detected_in_four_of_five_comparisons(n):
    random = np.random.default_rng(n)
    found = compare(random.normal(0, 1, n).tolist(), random.normal(0, 1, n).tolist())
    df, far = 2 * n - 2, stats.t.ppf(0.975, 2 * n - 2)
    power = stats.nct.sf(far, df, found.detectable / math.sqrt(2 / n))
    assert power == pytest.approx(0.8, abs=0.06 if n < 8 else 0.02)
    if found.needed is not None:
        df, far = 2 * found.needed - 2, stats.t.ppf(0.975, 2 * found.needed - 2)
        size = abs(found.difference) / math.sqrt((found.a.sd**2 + found.b.sd**2) / 2)
        assert stats.nct.sf(far, df, size / math.sqrt(2 / found.needed)) > 0.76


def test_results_that_do_not_vary_are_said_not_to():
    found = compare([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0])
    assert (found.difference, found.interval, found.p, found.effect) == (0.0, (0.0, 0.0), 1.0, None)
    assert any("do not vary" in one for one in found.notes)
    assert compare_pairs([1.0, 2.0], [1.0, 2.0]).p == 1.0


def test_a_difference_that_only_pairs_show_is_shown_by_pairs():
    seeds = np.arange(8)
    a = seeds * 1.0
    b = seeds + 0.1 + 0.01 * np.sin(seeds)
    assert compare(a.tolist(), b.tolist()).p > 0.9
    assert compare_pairs(a.tolist(), b.tolist()).p == pytest.approx(2 / 256)


def test_very_many_results_are_compared_in_a_moment():
    random = np.random.default_rng(1)
    many = random.normal(0, 1, 50_000).tolist()
    found = compare(many, (random.normal(0.05, 1, 50_000)).tolist())
    assert (found.ways, found.least_p) == (0, 0.0)
    assert found.p == pytest.approx(found.welch_p, rel=0.05)
    assert found.needed == pytest.approx(2 * (2.8 / 0.05) ** 2, rel=0.5)
    pairs = compare_pairs(many, random.normal(0.02, 1, 50_000).tolist())
    assert pairs.p == pytest.approx(pairs.welch_p, rel=0.05)
