"""Student's t distribution: what comparing two groups needs of it."""

from __future__ import annotations

import math

__all__ = ["t_beyond", "t_quantile"]

_SMALL = 1e-300
_PRECISION = 1e-15


def t_beyond(t: float, df: float) -> float:
    """The probability that a t-distributed value is further from zero than `t`, on either side."""
    if math.isinf(t):
        return 0.0
    return _incomplete_beta(df / 2, 0.5, df / (df + t * t), t * t / (df + t * t))


def t_quantile(p: float, df: float) -> float:
    """The value below which a t-distributed one lies with a probability of `p`."""
    if p < 0.5:
        return -t_quantile(1 - p, df)
    if p == 0.5:
        return 0.0
    beyond = 2 * (1 - p)
    low, high = 0.0, 1.0
    while t_beyond(high, df) > beyond:
        low, high = high, high * 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_beyond(middle, df) > beyond else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function at `x`, with `rest` = 1 - x, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0:
        return 0.0
    if rest <= 0:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest)
    )
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(b, a, rest) / b
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, _bounded(1 - (a + b) * x / (a + 1))
    d = 1 / d
    found = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _bounded(1 + term * d)
            c = _bounded(1 + term / c)
            found *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return found


def _bounded(value: float) -> float:
    return value if abs(value) > _SMALL else _SMALL
