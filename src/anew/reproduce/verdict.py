"""Whether two curves are the same: point by point, as float64, in the order of steps.

Points are matched by their step and, where a step comes more than once, by their order within it. NaN equals NaN. A
metric is

- IDENTICAL when both have the same points and every value has the same bits;
- WITHIN TOLERANCE when every `|a - b| <= atol + rtol * |a|`, `a` being the original's;
- DIVERGED when a value is further away, or only one of the two has a point;
- NOT COMPARABLE when only one of the two logged it, or they have no step in common.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

__all__ = [
    "Curve",
    "MetricVerdict",
    "Tolerance",
    "Verdict",
    "judge",
    "matched_rows",
    "overall",
]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Verdict(str, Enum):
    """What is said of a metric, or of two experiments; the later, the worse."""

    IDENTICAL = "IDENTICAL"
    WITHIN_TOLERANCE = "WITHIN TOLERANCE"
    UNCHANGED = "UNCHANGED"
    """Something was otherwise on purpose, and every point is the same or within the tolerance."""
    NOT_COMPARABLE = "NOT COMPARABLE"
    CHANGED = "CHANGED"
    """Something was otherwise on purpose, and so is the result."""
    DIVERGED = "DIVERGED"

    def __str__(self) -> str:
        return self.value

    @property
    def exit_code(self) -> int:
        """0 for the same, 1 for another result, 2 for no answer."""
        return {"DIVERGED": 1, "CHANGED": 1, "NOT COMPARABLE": 2}.get(self.value, 0)


@dataclass(frozen=True)
class Tolerance:
    """How far values may be apart. `patterns` are `(metric pattern, rtol, atol)`; the last that fits counts, and None
    in it leaves the general one."""

    rtol: float = 0.0
    atol: float = 0.0
    patterns: Sequence[tuple[str, float | None, float | None]] = ()

    def of(self, metric: str) -> tuple[float, float]:
        """`(rtol, atol)` for a metric."""
        rtol, atol = self.rtol, self.atol
        for pattern, r, a in self.patterns:
            if fnmatchcase(metric, pattern):
                rtol, atol = rtol if r is None else r, atol if a is None else a
        return rtol, atol


@dataclass(frozen=True, eq=False)
class Curve:
    """The points of one metric in the order of their steps, as written among equal steps.

    `times` are seconds since the epoch, where they are known.
    """

    steps: Ints
    values: Floats
    times: Floats | None = None

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class MetricVerdict:
    """What is said of one metric.

    Attributes:
        reason: In words, for people.
        points_a: How many points the original has; `points_b` the other; `matched` how many have a partner.
        step: The first step beyond the tolerance (with WITHIN TOLERANCE: the first that is not the same).
        row: Its place in the original's curve.
        a: The value there, None if there is no point; `b` the other's.
        difference: `|a - b|` there; `relative` that by `|a|`.
        largest: The largest difference anywhere, at `largest_step`.
        differing: At how many of the matched points the values are not the same.
        growth: How the difference continues, in words.
        growth_per_step: The factor by which it grows from one step to the next; None if that cannot be said.
        last_a: The final value of the original; `last_b` of the other.
        session: Of an original that was continued: in which of its sessions, from 1, the first difference is.
    """

    metric: str
    verdict: Verdict
    reason: str = ""
    points_a: int = 0
    points_b: int = 0
    matched: int = 0
    step: int | None = None
    row: int | None = None
    a: float | None = None
    b: float | None = None
    difference: float | None = None
    relative: float | None = None
    largest: float = 0.0
    largest_step: int | None = None
    differing: int = 0
    growth: str = ""
    growth_per_step: float | None = None
    rtol: float = 0.0
    atol: float = 0.0
    last_a: float | None = None
    last_b: float | None = None
    session: int | None = None
    sides: tuple[str, str] = field(default=("the original", "the re-run"), repr=False)

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON and the record."""
        plain = {
            k: v for k, v in self.__dict__.items() if k != "sides" and v is not None and v != ""
        }
        return {**plain, "verdict": self.verdict.value}


def overall(metrics: Iterable[MetricVerdict]) -> Verdict:
    """The worst of the verdicts: DIVERGED, then NOT COMPARABLE, then WITHIN TOLERANCE."""
    order = list(Verdict)
    found = [metric.verdict for metric in metrics]
    return max(found, key=order.index) if found else Verdict.NOT_COMPARABLE


def judge(
    metric: str,
    a: Curve | None,
    b: Curve | None,
    tolerance: Tolerance | None = None,
    sides: tuple[str, str] = ("the original", "the re-run"),
    *,
    cut_short: bool = False,
) -> MetricVerdict:
    """The verdict on one metric: the original's curve, the other's, and how far apart they may be.

    Args:
        cut_short: Whether the original was ended before its time: what comes after its last point is no difference.
    """
    if cut_short and a is not None and b is not None and len(a):
        b = _as_far_as(a, b)
    rtol, atol = (tolerance or Tolerance()).of(metric)
    facts = {
        "metric": metric, "rtol": rtol, "atol": atol, "sides": sides,
        "points_a": 0 if a is None else len(a), "points_b": 0 if b is None else len(b),
    }  # fmt: skip

    def say(verdict: Verdict, reason: str, **more: object) -> MetricVerdict:
        return MetricVerdict(verdict=verdict, reason=reason, **facts, **more)  # type: ignore[arg-type]

    if a is None or b is None or not len(a) or not len(b):
        logged = sides[1] if a is None or not len(a) else sides[0]
        return say(Verdict.NOT_COMPARABLE, f"only {logged} logged it")
    facts |= {"last_a": float(a.values[-1]), "last_b": float(b.values[-1])}
    rows_a, rows_b = matched_rows(a.steps, b.steps)
    facts["matched"] = len(rows_a)
    if not len(rows_a):
        spans = f"steps {a.steps[0]} to {a.steps[-1]}, and {b.steps[0]} to {b.steps[-1]}"
        return say(Verdict.NOT_COMPARABLE, f"no step in common: {spans}")
    x, y = a.values[rows_a], b.values[rows_b]
    steps = a.steps[rows_a]
    same = (x.view(np.int64) == y.view(np.int64)) | (np.isnan(x) & np.isnan(y))
    gaps = _gaps(x, y, same)
    with np.errstate(invalid="ignore", over="ignore"):
        near = same | (gaps <= atol + rtol * np.abs(x))
    # A NaN or infinity on one side only is as far away as can be, whatever the tolerance.
    near &= same | np.isfinite(gaps)
    facts["differing"] = int((~same).sum())
    if facts["differing"]:
        largest = int(np.argmax(gaps))
        facts |= {"largest": float(gaps[largest]), "largest_step": int(steps[largest])}
    first = int(np.argmin(near)) if not near.all() else None
    lone = _first_alone(a, b, rows_a, rows_b, sides)
    if lone is not None and (first is None or lone[0] <= steps[first]):
        step, row, value_a, value_b, reason = lone
        return say(Verdict.DIVERGED, reason, step=step, row=row, a=value_a, b=value_b)
    if first is None and same.all():
        return say(Verdict.IDENTICAL, f"all {len(a)} points are the same")
    at = int(np.argmin(same)) if first is None else first
    growth, factor = _growth(steps[at:], gaps[at:])
    details = {
        "step": int(steps[at]), "row": int(rows_a[at]), "a": float(x[at]), "b": float(y[at]),
        "difference": float(gaps[at]), "growth": growth, "growth_per_step": factor,
        "relative": float(gaps[at] / abs(x[at])) if x[at] and math.isfinite(gaps[at]) else None,
    }  # fmt: skip
    if first is None:
        reason = (
            f"{facts['differing']} of {len(x)} points differ, by {facts['largest']:.3g} at most"
        )
        return say(Verdict.WITHIN_TOLERANCE, reason, **details)
    return say(
        Verdict.DIVERGED, f"from step {steps[at]} on, first by {gaps[at]:.3g}; {growth}", **details
    )


def _as_far_as(a: Curve, b: Curve) -> Curve:
    """The part of `b` that does not come after the last point of `a`."""
    last = a.steps[-1]
    kept = int(np.searchsorted(b.steps, last, side="left")) + int((a.steps == last).sum())
    return Curve(b.steps[:kept], b.values[:kept], None if b.times is None else b.times[:kept])


def matched_rows(a: Ints, b: Ints) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The rows of either whose step and occurrence within it the other has too."""
    if len(a) == len(b) and bool((a == b).all()):
        rows = np.arange(len(a))
        return rows, rows
    # Both are sorted: a point's place among those of its step says which of the other's it belongs to.
    nth = _occurrence(a)
    rows_b = np.searchsorted(b, a) + nth
    has = rows_b < len(b)
    has[has] = b[rows_b[has]] == a[has]
    return np.flatnonzero(has), rows_b[has]


def _occurrence(steps: Ints) -> npt.NDArray[np.intp]:
    """The place of each point among those of its step, from 0."""
    starts = np.flatnonzero(np.r_[True, steps[1:] != steps[:-1]])
    return np.arange(len(steps)) - np.repeat(starts, np.diff(np.r_[starts, len(steps)]))


def _gaps(x: Floats, y: Floats, same: npt.NDArray[np.bool_]) -> Floats:
    """`|x - y|`; 0 where they are the same, infinite where only one is a number."""
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(x - y)
    gaps[same] = 0.0
    gaps[np.isnan(gaps)] = math.inf
    return gaps


def _first_alone(
    a: Curve,
    b: Curve,
    rows_a: npt.NDArray[np.intp],
    rows_b: npt.NDArray[np.intp],
    sides: tuple[str, str],
) -> tuple[int, int | None, float | None, float | None, str] | None:
    """The first point that only one of the two has: step, row, both values, and a sentence."""
    found = []
    for side, curve, rows in ((0, a, rows_a), (1, b, rows_b)):
        if len(rows) < len(curve):
            alone = np.ones(len(curve), dtype=bool)
            alone[rows] = False
            found.append((int(curve.steps[alone][0]), side, int(np.argmax(alone))))
    if not found:
        return None
    step, side, row = min(found)
    curve, other = (a, b) if side == 0 else (b, a)
    value = float(curve.values[row])
    if step > int(other.steps[-1]):
        reason = f"{sides[1 - side]} ends after step {other.steps[-1]}, {sides[side]} continues"
    else:
        reason = f"only {sides[side]} has a point at step {step}"
    return (
        step,
        row if side == 0 else None,
        *((value, None) if side == 0 else (None, value)),
        reason,
    )


def _growth(steps: Ints, gaps: Floats) -> tuple[str, float | None]:
    """How a difference continues from where it began: in words, and as a factor per step.

    The factor is that of the straight line through the logarithms of the differences (least squares).
    """
    if not math.isfinite(float(gaps[0])):
        return "only one of the two is a finite number there", None
    usable = (gaps > 0) & np.isfinite(gaps)
    if int(usable.sum()) < 3:
        back = len(gaps) > 1 and not gaps[1:].any()
        return (
            "only there; the curves agree again afterwards"
            if back
            else "too few points to say how it continues"
        ), None
    x, y = steps[usable].astype(np.float64), np.log10(gaps[usable])
    x = x - x.mean()
    if not float((x * x).sum()):
        return "at a single step", None
    slope = float((x * (y - y.mean())).sum() / (x * x).sum())
    decades = slope * float(x[-1] - x[0])
    factor = float(10.0 ** min(max(slope, -300.0), 300.0))
    meets = not gaps[-max(1, len(gaps) // 4) :].any()
    if meets:
        return "the curves agree again later", factor
    if abs(decades) < 0.5:
        return "the difference stays about as large", factor
    per = abs(1.0 / slope)
    word = "grows" if slope > 0 else "shrinks"
    return f"the difference {word} tenfold every {per:.3g} steps", factor
