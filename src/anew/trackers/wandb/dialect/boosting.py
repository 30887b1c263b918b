"""What the callbacks of XGBoost and LightGBM have in common in wandb."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..translate.directions import better
from . import active
from .plot import bar
from .table import Table

__all__ = ["finish", "scored"]


def scored(row: Mapping[str, Any], known: set[str] | None) -> None:
    """Have the summary keep the best of metrics that come for the first time.

    Args:
        known: Those that came before; None if the summary keeps the last.
    """
    if known is None:
        return
    run = active.required("define_metric")
    for name in row.keys() - known:
        known.add(name)
        op = better(name.replace("-", "/").replace("_", "/", 1))
        if op is not None:
            run.define_metric(name, summary=op)


def finish(importances: Mapping[str, Any], best_score: Any, best_iteration: Any) -> None:
    """Log the importances of features, and the best score and iteration, where there are any."""
    run = active.required("log")
    if importances:
        rows = sorted(([name, value] for name, value in importances.items()), key=lambda row: -row[1])  # fmt: skip
        table = Table(["Feature", "Importance"], rows)
        run.log({"Feature Importance": bar(table, "Feature", "Importance", "Feature Importance")})
    said = {
        "best_score": _number(best_score),
        "best_iteration": None if best_iteration is None else int(best_iteration),
    }
    run.log({name: value for name, value in said.items() if value is not None})


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value
