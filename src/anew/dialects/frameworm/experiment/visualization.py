"""`frameworm.experiment.visualization`: figures, by the address that frameworm's documents use."""

from __future__ import annotations

from ....trackers.frameworm.dialect import plot_metric_comparison, plot_multiple_metrics

__all__ = ["plot_metric_comparison", "plot_multiple_metrics"]
