"""Code written for frameworm: `from anew.dialects.frameworm import Experiment, ExperimentManager, Trainer`.

Its command line is `python -m anew.dialects.frameworm list | show | compare | plot | delete | summary`. A metric's
epoch and type (train, val, test) lie beside its value in the record; where only an epoch is given, it is the step too.
"""

from __future__ import annotations

from ...trackers.frameworm.dialect import (
    UNSUPPORTED,
    Experiment,
    ExperimentManager,
    Trainer,
    plot_metric_comparison,
    plot_multiple_metrics,
)

__all__ = [
    "UNSUPPORTED",
    "Experiment",
    "ExperimentManager",
    "Trainer",
    "plot_metric_comparison",
    "plot_multiple_metrics",
]
