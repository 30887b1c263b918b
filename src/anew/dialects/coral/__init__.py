"""Code written for coral: `from anew.dialects.coral import Repository, ExperimentTracker`.

A tracker is bound to a repository of weights. The repository's folder is an Anew store: the experiments lie in
it as in any other, and the weights in its `weights/`. What is "best" follows the direction of the metric, where
coral takes the minimum of everything.
"""

from __future__ import annotations

from ...trackers.coral.dialect import (
    UNSUPPORTED,
    ActiveExperiment,
    Experiment,
    ExperimentMetric,
    ExperimentStatus,
    ExperimentTracker,
    NoActiveExperiment,
    Repository,
    model_to_weights,
)

__all__ = [
    "UNSUPPORTED",
    "ActiveExperiment",
    "Experiment",
    "ExperimentMetric",
    "ExperimentStatus",
    "ExperimentTracker",
    "NoActiveExperiment",
    "Repository",
    "model_to_weights",
]
