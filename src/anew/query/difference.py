"""Where two series part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Part", "first_part"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """The first point at which two series are not the same.

    `row` is its position in both; `a` or `b` is None where that series has no point of that step there.
    """

    kind: Literal["value", "step", "length"]
    step: int
    row: int
    a: float | None
    b: float | None


def first_part(
    steps_a: Ints,
    values_a: Floats,
    steps_b: Ints,
    values_b: Floats,
    rtol: float = 0.0,
    atol: float = 0.0,
) -> Part | None:
    """Where two series, each in the order of its steps, stop being the same; None if they never do.

    Without tolerance values are the same when their bits are (so 0.0 and -0.0 differ), and any NaN is any
    other. With one, when `|a - b| <= atol + rtol * |a|`, as in `numpy.isclose` seen from `a`.
    """
    shared = min(len(steps_a), len(steps_b))
    a, b = values_a[:shared], values_b[:shared]
    same = (np.ascontiguousarray(a).view(np.int64) == np.ascontiguousarray(b).view(np.int64)) | (
        np.isnan(a) & np.isnan(b)
    )
    if rtol or atol:
        with np.errstate(invalid="ignore", over="ignore"):
            close = np.abs(a - b) <= atol + rtol * np.abs(a)
        # An infinity is near nothing but itself, whatever rtol times it is.
        same |= close & np.isfinite(a) & np.isfinite(b) | (a == b)
    stepwise = steps_a[:shared] == steps_b[:shared]
    parted = np.flatnonzero(~(same & stepwise))
    if len(parted):
        row = int(parted[0])
        step_a, step_b = int(steps_a[row]), int(steps_b[row])
        kind: Literal["value", "step"] = "value" if step_a == step_b else "step"
        return Part(
            kind,
            min(step_a, step_b),
            row,
            float(a[row]) if step_a <= step_b else None,
            float(b[row]) if step_b <= step_a else None,
        )
    if len(steps_a) == len(steps_b):
        return None
    longer_is_a = len(steps_a) > shared
    steps, values = (steps_a, values_a) if longer_is_a else (steps_b, values_b)
    extra = float(values[shared])
    return Part(
        "length",
        int(steps[shared]),
        shared,
        extra if longer_is_a else None,
        None if longer_is_a else extra,
    )
