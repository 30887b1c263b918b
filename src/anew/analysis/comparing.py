"""Two groups of results: how far they are apart, how sure that is, and what so many results can and cannot tell. Pure.

The test is by permutation, which assumes nothing of how results are distributed: were the groups alike, each result could as well belong to
the other one. Up to `EXACT` ways to deal them out, all are counted; of more, `SAMPLED` are drawn; and of
very many results what these come to in the end is known, which is a normal distribution. The interval is Welch's, or Student's of the
differences where results are paired; the effect is Hedges' g with the interval of Hedges and Olkin (1985, chapter 5).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import msgspec
import numpy as np

from ..query.arrays import Floats
from .distributions import t_beyond, t_quantile

__all__ = ["EXACT", "SAMPLED", "Comparison", "Sample", "compare", "compare_pairs"]

EXACT = 200_000
"""Up to so many ways to deal out results, all are looked at."""
SAMPLED = 20_000
"""Of more, so many are drawn, or fewer where results are many."""
_WORK = 10_000_000
"""Results that are dealt out in all draws together."""
_AT_ONCE = 2_000_000
_MANY = 5000
"""Of more results nothing is drawn."""
_POWER = 0.8
_MOST_NEEDED = 10_000
_NEAR = 1e-12
"""Differences of means that differ by less, relative to the largest value, are the same."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The results of one group: their number, mean, standard deviation (with n - 1; None of one), least and greatest."""

    n: int
    mean: float
    sd: float | None
    min: float
    max: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What two groups of results say of each other.

    Attributes:
        a, b: The groups; of pairs, those that have a partner.
        pairs: How many pairs there are; None where results are not paired.
        difference: The mean of `b` less that of `a`.
        interval: Where the difference lies, with the confidence asked for; None where a group has a single result.
        effect: The difference in standard deviations (Hedges' g); None where nothing varies.
        effect_interval: Where the effect lies, approximately.
        wins: The share of pairs of one result of each group in which that of `b` is greater; equal ones count half.
        p: How likely a difference this large is if both groups are alike, by permutation.
        exact: Whether every way to deal out the results was looked at.
        ways: How many ways were looked at; 0 of so many results that their normal distribution is.
        least_p: The smallest `p` that so many results can give, whatever they are.
        welch_p: The same probability by Welch's t-test, or by the paired one; None where a group has a single result.
        detectable: The smallest effect that so many results would show in four of five such comparisons.
        needed: So many results in each group would show the effect that was found in four of five comparisons; None where that cannot be said.
        notes: What this can and cannot tell, in words.
    """

    a: Sample
    b: Sample
    pairs: int | None = None
    confidence: float
    difference: float
    interval: tuple[float, float] | None
    effect: float | None
    effect_interval: tuple[float, float] | None
    wins: float
    p: float
    exact: bool
    ways: int
    least_p: float
    welch_p: float | None
    detectable: float | None
    needed: int | None
    notes: tuple[str, ...] = ()


Results = Sequence[float] | Floats


def compare(a: Results, b: Results, confidence: float = 0.95) -> Comparison:
    """Compare two groups of finite results, at least one in each."""
    first, second = np.asarray(a, float), np.asarray(b, float)
    n, m = len(first), len(second)
    one, other = _sample(first), _sample(second)
    difference = float(second.mean() - first.mean())
    p, exact, ways = _dealt(first, second)
    least = (2 if n == m else 1) / _ways(n + m, n)
    degrees, error = n + m - 2, None
    effect = effect_interval = interval = welch_p = detectable = needed = None
    if n > 1 and m > 1:
        parts = float(first.var(ddof=1)) / n, float(second.var(ddof=1)) / m
        error = math.sqrt(sum(parts))
    if error:
        df = error**4 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1))
        far = t_quantile((1 + confidence) / 2, df) * error
        interval = (difference - far, difference + far)
        welch_p = t_beyond(difference / error, df)
    elif error == 0:
        interval = (difference, difference)
    if n > 1 and m > 1:
        detectable = _shown(degrees, 1 - confidence) * math.sqrt(1 / n + 1 / m)
        pooled = math.sqrt(((n - 1) * first.var(ddof=1) + (m - 1) * second.var(ddof=1)) / degrees)
        if pooled > 0:
            effect = _unbiased(degrees) * difference / pooled
            spread = math.sqrt((n + m) / (n * m) + effect**2 / (2 * (n + m)))
            far = NormalDist().inv_cdf((1 + confidence) / 2) * spread
            effect_interval = (effect - far, effect + far)
            needed = _needed(
                abs(difference) / pooled, lambda k: (2 * k - 2, math.sqrt(2 / k)), confidence
            )
    greater = np.searchsorted(np.sort(first), second, "left").sum()
    equal = np.searchsorted(np.sort(first), second, "right").sum() - greater
    made = Comparison(
        a=one, b=other, confidence=confidence, difference=difference, interval=interval, effect=effect,
        effect_interval=effect_interval, wins=float((greater + equal / 2) / (n * m)), p=p, exact=exact, ways=ways, least_p=least,
        welch_p=welch_p, detectable=detectable, needed=needed,
    )  # fmt: skip
    return msgspec.structs.replace(made, notes=_notes(made))


def compare_pairs(a: Results, b: Results, confidence: float = 0.95) -> Comparison:
    """Compare finite results that belong together one by one, as those of the same seed do."""
    first, second = np.asarray(a, float), np.asarray(b, float)
    apart = second - first
    n = len(apart)
    difference = float(apart.mean())
    p, exact, ways = _flipped(apart)
    sd = float(apart.std(ddof=1)) if n > 1 else 0.0
    effect = effect_interval = interval = t_p = detectable = needed = None
    if n > 1:
        error = sd / math.sqrt(n)
        far = t_quantile((1 + confidence) / 2, n - 1) * error
        interval = (difference - far, difference + far)
        detectable = _shown(n - 1, 1 - confidence) / math.sqrt(n)
        if sd > 0:
            t_p = t_beyond(difference / error, n - 1)
        if sd > 0 and n > 2:
            effect = _unbiased(n - 1) * difference / sd
            far = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(
                1 / n + effect**2 / (2 * n)
            )
            effect_interval = (effect - far, effect + far)
            needed = _needed(abs(difference) / sd, lambda k: (k - 1, 1 / math.sqrt(k)), confidence)
    wins = float(((apart > 0).sum() + (apart == 0).sum() / 2) / n)
    made = Comparison(
        a=_sample(first), b=_sample(second), pairs=n, confidence=confidence, difference=difference, interval=interval, effect=effect,
        effect_interval=effect_interval, wins=wins, p=p, exact=exact, ways=ways, least_p=2.0 ** (1 - n),
        welch_p=t_p, detectable=detectable, needed=needed,
    )  # fmt: skip
    return msgspec.structs.replace(made, notes=_notes(made))


def _sample(values: Floats) -> Sample:
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    return Sample(
        n=len(values), mean=float(values.mean()), sd=sd, min=float(values.min()), max=float(values.max())
    )  # fmt: skip


def _unbiased(df: int) -> float:
    """What takes the bias out of a standardised difference (Hedges 1981); there is none of fewer than two degrees of freedom."""
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def _dealt(a: Floats, b: Floats) -> tuple[float, bool, int]:
    """How many ways to deal results out to two groups of these sizes give means as far apart as these; whether all ways were looked at."""
    pooled = np.concatenate([a, b])
    n, total = len(a), len(a) + len(b)
    near = _NEAR * max(1e-300, float(np.abs(pooled).max()))
    found = abs(float(b.mean() - a.mean()))
    every = _ways(total, n)
    whole = pooled.sum()

    def apart(sums: Floats) -> Floats:
        found: Floats = np.abs((whole - sums) / (total - n) - sums / n)
        return found

    if every <= EXACT:
        count = 0
        ways = itertools.combinations(range(total), n)
        while part := list(itertools.islice(ways, 20_000)):
            sums = pooled[np.array(part)].sum(axis=1)
            count += int((apart(sums) >= found - near).sum())
        return count / every, True, int(every)
    if total > _MANY:
        spread = float(pooled.std(ddof=1)) * math.sqrt(1 / n + 1 / (total - n))
        return _beyond(found, spread), False, 0
    random = np.random.default_rng(0)
    draws = _draws(total)
    count, left = 0, draws
    while left:
        now = min(left, max(1, _AT_ONCE // total))
        order = random.permuted(np.broadcast_to(pooled, (now, total)), axis=1)
        count += int((apart(order[:, :n].sum(axis=1)) >= found - near).sum())
        left -= now
    return (count + 1) / (draws + 1), False, draws


def _draws(size: int) -> int:
    return min(SAMPLED, _WORK // size)


def _beyond(found: float, spread: float) -> float:
    """The probability that a normally distributed value is further from zero."""
    return math.erfc(found / spread / math.sqrt(2)) if spread > 0 else 1.0


def _ways(total: int, part: int) -> float:
    """Into how many different parts of a size so many can be divided; infinity where nobody would count them."""
    return math.comb(total, part) if total <= 1000 else math.inf


def _flipped(apart: Floats) -> tuple[float, bool, int]:
    """The same of pairs: in how many of the ways to swap the members of each pair the mean difference is as large."""
    n = len(apart)
    near = _NEAR * max(1e-300, float(np.abs(apart).max()))
    found = abs(float(apart.sum()))
    if n < 64 and 2**n <= EXACT:
        sums = np.zeros(1)
        for one in apart:
            sums = np.concatenate([sums + one, sums - one])
        return float((np.abs(sums) >= found - n * near).mean()), True, 2**n
    if n > _MANY:
        return _beyond(found, math.sqrt(float((apart**2).sum()))), False, 0
    random = np.random.default_rng(0)
    draws = _draws(n)
    count, left = 0, draws
    while left:
        now = min(left, max(1, _AT_ONCE // n))
        signs = random.integers(0, 2, (now, n), dtype=np.int8) * 2 - 1
        count += int((np.abs(signs @ apart) >= found - n * near).sum())
        left -= now
    return (count + 1) / (draws + 1), False, draws


def _shown(df: int, wrong: float) -> float:
    """How many standard errors a difference must be large to be found in four of five comparisons."""
    return t_quantile(1 - wrong / 2, df) + t_quantile(_POWER, df)


def _needed(effect: float, of: Callable[[int], tuple[int, float]], confidence: float) -> int | None:
    """The smallest number of results in each group with which an effect is found in four of five comparisons.

    Args:
        of: Degrees of freedom, and the standard error in standard deviations, of so many results.
    """
    if not effect > 0:
        return None

    def enough(count: int) -> bool:
        df, scale = of(count)
        return _shown(df, 1 - confidence) * scale <= effect

    if not enough(_MOST_NEEDED):
        return None
    low, high = 1, _MOST_NEEDED  # never enough, and always
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _notes(found: Comparison) -> tuple[str, ...]:
    """What a comparison can and cannot tell."""
    wrong = round(1 - found.confidence, 12)
    notes = []
    what = "pairs" if found.pairs is not None else "results"
    sizes = str(found.pairs) if found.pairs is not None else f"{found.a.n} and {found.b.n}"
    if found.least_p > wrong:
        notes.append(
            f"{sizes} {what} are too few for this test: whatever they are, p cannot be below {found.least_p:.3g}, so nothing"
            f" can be shown with {found.confidence:.0%} confidence."
        )
    if found.interval is None:
        notes.append("A single result says nothing of how much results vary from seed to seed.")
    elif (found.p > wrong) != (found.interval[0] <= 0 <= found.interval[1]):
        if found.least_p <= wrong:
            notes.append(
                "Whether there is a difference is open: the interval and the test do not agree. The interval takes it that results vary as"
                " a normal distribution does, and the test does not. More results would tell."
            )
    elif found.p > wrong:
        notes.append(
            "No difference was shown, which does not show that there is none: the interval has all differences that fit."
        )
    if found.detectable is not None and found.least_p <= wrong:
        notes.append(
            f"So many {what} show a difference of {found.detectable:.2g} standard deviations or more in four of five such comparisons, and"
            " smaller ones less often."
        )
    if found.needed is not None and found.p > wrong:
        notes.append(
            f"If the true difference is the one found, about {found.needed} {what}{'' if found.pairs is not None else ' in each group'}"
            " would show it in four of five comparisons."
        )
    if found.a.sd == 0 and found.b.sd == 0:
        notes.append(
            "The results of a group do not vary at all: seeds may have no effect here, or are not set."
        )
    return tuple(notes)
