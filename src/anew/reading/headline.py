"""Which metrics say most about experiments, where nobody named any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .views import ExperimentView

__all__ = ["headline_metrics"]


def headline_metrics(views: Sequence[ExperimentView], most: int = 3) -> list[str]:
    """The metrics that say most about the experiments together.

    Those that most of them logged; among equals, results on held-out data, then losses and accuracies,
    then those logged first. Metrics of the machine (`system/…`) never are.
    """
    counts: Counter[str] = Counter()
    order: dict[str, int] = {}
    for view in views:
        for name in view.metrics:
            if not name.startswith("system/"):
                counts[name] += 1
                order.setdefault(name, len(order))

    def telling(name: str) -> int:
        lower = name.lower()
        held_out = any(word in lower for word in ("val", "test", "eval", "dev"))
        result = any(word in lower for word in ("loss", "acc", "error", "f1", "auc", "reward"))
        dull = any(word in lower for word in ("epoch", "lr", "time", "step", "learning_rate"))
        return 4 * dull - 2 * result - held_out

    ranked = sorted(counts, key=lambda name: (-counts[name], telling(name), order[name]))
    return ranked[:most]
