"""What several re-runs say together: the worst verdict, and how far their final values are spread."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .verdict import Verdict

if TYPE_CHECKING:
    from .replay import Replayed

__all__ = ["spread_of", "worst"]


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on all of them."""
    return max(verdicts, key=list(Verdict).index) if verdicts else Verdict.NOT_COMPARABLE


def spread_of(results: Sequence[Replayed]) -> dict[str, dict[str, float]]:
    """Per metric the original's final value, and mean, sample standard deviation, least and largest of the re-runs'."""
    finals: dict[str, list[float]] = {}
    originals: dict[str, float] = {}
    for result in results:
        for metric in result.judgement.metrics:
            if metric.last_b is not None:
                finals.setdefault(metric.metric, []).append(metric.last_b)
            if metric.last_a is not None:
                originals[metric.metric] = metric.last_a
    return {
        name: {
            "original": originals.get(name, float("nan")),
            "mean": statistics.fmean(values),
            "std": statistics.stdev(values) if len(values) > 1 else 0.0,
            "min": min(values),
            "max": max(values),
            "runs": float(len(values)),
        }
        for name, values in sorted(finals.items())
    }
