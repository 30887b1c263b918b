"""Figures of metrics."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .manager import ExperimentManager

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_metric_comparison", "plot_multiple_metrics"]


def plot_metric_comparison(
    manager: ExperimentManager,
    experiment_ids: Sequence[str],
    metric_name: str,
    save_path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw one metric of several experiments, and write it to a .png, .svg or .pdf file if one is given.

    Raises:
        NotFound: An experiment is unknown, or none logged the metric.
    """
    from anew.plots import plot_metric

    return plot_metric(manager.store, experiment_ids, metric_name, save=save_path)


def plot_multiple_metrics(
    manager: ExperimentManager,
    experiment_id: str,
    metric_names: Sequence[str],
    save_path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw several metrics of one experiment, and write them to a .png, .svg or .pdf file if one is given.

    Raises:
        NotFound: The experiment is unknown, or has none of the metrics.
    """
    from anew.plots import plot_metrics

    return plot_metrics(manager.store, experiment_id, metric_names, save=save_path)
