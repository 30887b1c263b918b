"""Whether two groups of runs give the same within the noise of their seeds.

The method is two one-sided t-tests (TOST: D. J. Schuirmann, "A comparison of the two one-sided tests procedure and the power
approach for assessing the equivalence of average bioavailability", Journal of Pharmacokinetics and Biopharmaceutics 15,
1987) in the form of B. L. Welch, which does not take the two variances for equal. One value a run is compared: the runs are the sample, not
the points of a curve.

A difference that was not found is no equivalence: with few runs nothing is ever found. So there are three answers, and the
power says how likely the answer EQUIVALENT was at all, had there been no difference.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "ALPHA",
    "Equivalence",
    "Margin",
    "MetricEquivalence",
    "judge_equivalence",
    "overall_equivalence",
    "power_of_tost",
    "runs_needed",
    "student_cdf",
    "student_quantile",
]

Floats = npt.NDArray[np.float64]
ALPHA = 0.05
_WANTED_POWER = 0.8
_MOST_RUNS = 1000


class Equivalence(str, Enum):
    """What is said of two groups of runs; the later, the worse."""

    EQUIVALENT = "EQUIVALENT"
    NOT_ENOUGH_RUNS = "NOT ENOUGH RUNS"
    NOT_EQUIVALENT = "NOT EQUIVALENT"

    def __str__(self) -> str:
        return self.value

    @property
    def exit_code(self) -> int:
        """0 for equivalent, 1 for not, 2 for no answer."""
        return {"NOT EQUIVALENT": 1, "NOT ENOUGH RUNS": 2}.get(self.value, 0)


@dataclass(frozen=True)
class Margin:
    """The largest difference of means that is no difference.

    Attributes:
        size: How large.
        unit: "" as the metric's own value, "%" of the mean of the first group, or "sd", standard deviations of the first
            group.
    """

    size: float
    unit: str = ""

    @classmethod
    def parse(cls, text: str) -> Margin:
        """A margin as it is written: `0.01`, `2%` or `1.5sd`.

        Raises:
            ValueError: It is none.
        """
        word = text.strip()
        unit = next((one for one in ("%", "sd") if word.endswith(one)), "")
        size = float(word.removesuffix(unit))
        if not 0 < size < math.inf:
            raise ValueError(text)
        return cls(size, unit)

    def __str__(self) -> str:
        return f"{self.size:g}{self.unit}"

    def of(self, values: Sequence[float]) -> float:
        """The margin for a first group with these values, in the metric's own unit."""
        if self.unit == "%":
            return self.size / 100 * abs(float(np.mean(values)))
        if self.unit == "sd":
            return self.size * float(np.std(values, ddof=1))
        return self.size


@dataclass(frozen=True)
class MetricEquivalence:
    """What is said of one metric of two groups.

    Attributes:
        runs_a: How many runs of the first group have a value; `runs_b` of the second.
        mean_a: Their mean, and `sd_a` their standard deviation.
        effect: The difference of the means, second minus first; `low` and `high` are its interval at `1 - 2 * alpha`.
        margin: The largest difference that is none, in the metric's own unit.
        p: The larger of the two tests' p-values.
        power: How likely EQUIVALENT is with so many runs that scatter so much, where there is no difference.
        needed: How many runs of each group have a power of 0.8; None where that is beyond 1,000.
    """

    metric: str
    verdict: Equivalence
    reason: str
    runs_a: int = 0
    runs_b: int = 0
    mean_a: float | None = None
    mean_b: float | None = None
    sd_a: float | None = None
    sd_b: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    p: float | None = None
    power: float | None = None
    needed: int | None = None
    alpha: float = ALPHA

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON and the record."""
        plain = {k: v for k, v in self.__dict__.items() if v is not None}
        return {**plain, "verdict": self.verdict.value}


def overall_equivalence(metrics: Sequence[MetricEquivalence]) -> Equivalence:
    """The verdict on all metrics: EQUIVALENT if every one is. No correction for their number is needed for that (the
    intersection-union principle: R. L. Berger, Technometrics 24, 1982)."""
    order = list(Equivalence)
    found = [one.verdict for one in metrics]
    return max(found, key=order.index) if found else Equivalence.NOT_ENOUGH_RUNS


def judge_equivalence(
    metric: str,
    a: Sequence[float],
    b: Sequence[float],
    margin: Margin,
    alpha: float = ALPHA,
) -> MetricEquivalence:
    """The verdict on one metric, one value a run, of two groups of independent runs."""
    finite_a, finite_b = ([v for v in values if math.isfinite(v)] for values in (a, b))
    broken_a, broken_b = len(a) - len(finite_a), len(b) - len(finite_b)
    if broken_a or broken_b:
        if bool(broken_a) != bool(broken_b):
            which = "first" if broken_a else "second"
            reason = (
                f"{broken_a or broken_b} runs of the {which} group alone ended in NaN or infinity"
            )
            return MetricEquivalence(metric, Equivalence.NOT_EQUIVALENT, reason, len(a), len(b))
        reason = "runs of both groups ended in NaN or infinity"
        return MetricEquivalence(metric, Equivalence.NOT_ENOUGH_RUNS, reason, len(a), len(b))
    if len(a) < 2 or len(b) < 2:
        reason = f"{len(a)} and {len(b)} independent runs: at least 2 of each are needed to know their noise"
        return MetricEquivalence(metric, Equivalence.NOT_ENOUGH_RUNS, reason, len(a), len(b))
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    sd_a, sd_b = float(x.std(ddof=1)), float(y.std(ddof=1))
    effect, limit = float(y.mean() - x.mean()), margin.of(a)
    error, freedom = _error(sd_a, sd_b, len(a), len(b))
    if error > 0:
        half = student_quantile(1 - alpha, freedom) * error
        p = max(
            1 - student_cdf((effect + limit) / error, freedom),
            student_cdf((effect - limit) / error, freedom),
        )
        power = power_of_tost(limit, 0.0, error, freedom, alpha)
    else:
        half, p, power = 0.0, 0.0 if abs(effect) < limit or not effect else 1.0, 1.0
    needed = runs_needed(limit, sd_a, sd_b, alpha)
    low, high = effect - half, effect + half
    shown = (
        f"the means differ by {effect:.3g}, between {low:.3g} and {high:.3g} at {1 - 2 * alpha:.0%}"
    )
    if (-limit < low and high < limit) or (not effect and not error):
        verdict, reason = Equivalence.EQUIVALENT, f"{shown}, within ±{limit:.3g}"
    elif low > limit or high < -limit:
        verdict, reason = Equivalence.NOT_EQUIVALENT, f"{shown}, beyond ±{limit:.3g}"
    else:
        more = f"about {needed} of each are needed" if needed else "far more are needed"
        verdict = Equivalence.NOT_ENOUGH_RUNS
        reason = f"{shown}, which is not decided against ±{limit:.3g}; {more} for a power of {_WANTED_POWER:.0%}"
    return MetricEquivalence(
        metric, verdict, reason, len(a), len(b), float(x.mean()), float(y.mean()), sd_a, sd_b, effect, low, high,
        limit, p, power, needed, alpha,
    )  # fmt: skip


def _error(sd_a: float, sd_b: float, a: int, b: int) -> tuple[float, float]:
    """The standard error of a difference of means, and its degrees of freedom (Welch and Satterthwaite)."""
    of_a, of_b = sd_a**2 / a, sd_b**2 / b
    total = of_a + of_b
    if not total:
        return 0.0, float(a + b - 2)
    return math.sqrt(total), total**2 / (of_a**2 / (a - 1) + of_b**2 / (b - 1))


def runs_needed(
    margin: float, sd_a: float, sd_b: float, alpha: float = ALPHA, power: float = _WANTED_POWER
) -> int | None:
    """How many runs of each group have that power where there is no difference; None beyond 1,000."""
    if not margin > 0:
        return None

    def reached(count: int) -> bool:
        error, freedom = _error(sd_a, sd_b, count, count)
        return not error or power_of_tost(margin, 0.0, error, freedom, alpha) >= power

    low, high = 1, 2
    while not reached(high):
        low, high = high, high * 2
        if low >= _MOST_RUNS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def power_of_tost(
    margin: float, difference: float, error: float, freedom: float, alpha: float = ALPHA
) -> float:
    """How likely two one-sided tests find an equivalence.

    The exact power (Owen's Q: D. B. Owen, Biometrika 52, 1965), as an integral over the estimate of the error.

    Args:
        difference: The true difference of the means.
        error: The true standard error of that difference; `freedom` the degrees of freedom of its estimate.
    """
    quantile = student_quantile(1 - alpha, freedom)
    most = min(
        margin / (quantile * error), 1 + 40 / math.sqrt(freedom)
    )  # of the estimate, in true errors
    points, weights = _grid()
    grid = (points + 1) * (most / 2)
    log_density = (
        math.log(2) + freedom / 2 * math.log(freedom / 2) - math.lgamma(freedom / 2)
        + (freedom - 1) * np.log(grid) - freedom * grid**2 / 2
    )  # fmt: skip
    upper = (margin - difference) / error - quantile * grid
    lower = (-margin - difference) / error + quantile * grid
    inside = np.maximum(np.subtract(_normal_cdf(upper), _normal_cdf(lower)), 0.0)
    return float(min(1.0, (np.exp(log_density) * inside * weights).sum() * (most / 2)))


@functools.cache
def _grid() -> tuple[Floats, Floats]:
    """The points and weights of the Gauss-Legendre rule."""
    points, weights = np.polynomial.legendre.leggauss(96)
    return points, weights


def _normal_cdf(x: npt.NDArray[Any]) -> Floats:
    return np.array([0.5 * math.erfc(-one / math.sqrt(2)) for one in x.tolist()])


def student_cdf(t: float, freedom: float) -> float:
    """The distribution function of Student's t."""
    if not math.isfinite(t):
        return 0.0 if t < 0 else 1.0
    if t * t < freedom:
        from_middle = _incomplete_beta(0.5, freedom / 2, t * t / (freedom + t * t)) / 2
        return 0.5 + math.copysign(from_middle, t)
    tail = _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2
    return tail if t < 0 else 1 - tail


def student_quantile(p: float, freedom: float) -> float:
    """The value that Student's t is below with probability `p`."""
    low, high = -1.0, 1.0
    while student_cdf(low, freedom) > p:
        low *= 2
    while student_cdf(high, freedom) < p:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, freedom) < p else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by the continued fraction of DLMF 8.17.22 (Lentz's method)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = (
        math.exp(
            math.lgamma(a + b)
            - math.lgamma(a)
            - math.lgamma(b)
            + a * math.log(x)
            + b * math.log1p(-x)
        )
        / a
    )
    tiny, c, d = 1e-300, 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 1000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            value *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return front * value
