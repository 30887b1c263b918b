"""What the experiments of a sweep and of its trials say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..reading.views import ExperimentView

__all__ = ["CONFIG", "STOPPED", "TRIAL", "metric_of", "params_of"]

CONFIG = "sweep"
"""What a sweep's experiment captured: its configuration."""

TRIAL = "sweep_trial"
"""What a trial's experiment captured: the sweep, its number, which attempt it is, and its parameters."""

STOPPED = "sweep.stopped"
"""The tag of a sweep of which no further trial is begun."""


def metric_of(config: Mapping[str, Any]) -> str:
    """The metric that says which trial is better; "" for none."""
    return str((config.get("metric") or {}).get("name") or "")


def params_of(view: ExperimentView) -> Mapping[str, Any]:
    """The parameters of a trial."""
    found: Mapping[str, Any] = view.captured[TRIAL]["params"]
    return found
