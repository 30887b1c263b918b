"""Smoothing of a curve: an exponential moving average that knows about gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidValue

__all__ = ["smoothed"]

Floats = NDArray[np.float64]


def smoothed(values: Floats, weight: float) -> Floats:
    """The exponential moving average of a series, corrected for its start.

    `weight` is how much of the past is kept: 0 changes nothing, 0.99 averages over about a hundred
    points. The same as pandas' `ewm(alpha=1 - weight, adjust=True, ignore_na=False).mean()` where the
    value is finite; NaN and infinities stay gaps in the result and do not spread.

    Raises:
        InvalidValue: The weight is not in [0, 1).
    """
    if not 0 <= weight < 1:
        raise InvalidValue(
            f"A smoothing weight must be at least 0 and less than 1, not {weight!r}: 0 leaves "
            "the curve unchanged, 0.9 averages over about ten points.",
            key="smooth",
        )
    values = np.asarray(values, dtype=np.float64)
    if weight == 0 or len(values) == 0:
        return values.copy()
    finite = np.isfinite(values)
    numerator = _decaying_sum(np.where(finite, values, 0.0), weight)
    denominator = _decaying_sum(finite.astype(np.float64), weight)
    result = np.full(len(values), np.nan)
    result[finite] = numerator[finite] / denominator[finite]
    return result


def _decaying_sum(values: Floats, weight: float) -> Floats:
    """`out[k] = weight * out[k - 1] + values[k]`, in blocks so that numpy does the work."""
    # Within a block the sum is a cumulative sum scaled by powers of the weight; the block's length
    # keeps those powers far from where float64 ends.
    block = max(1, min(len(values), int(200 / -np.log10(weight)))) if weight > 0 else 1
    powers = weight ** np.arange(block, dtype=np.float64)
    out = np.empty(len(values))
    carried = 0.0
    for start in range(0, len(values), block):
        part = values[start : start + block]
        scale = powers[: len(part)]
        out[start : start + block] = scale * (np.cumsum(part / scale) + weight * carried)
        carried = float(out[start + len(part) - 1])
    return out
