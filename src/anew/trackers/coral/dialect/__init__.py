"""What stands behind `anew.dialects.coral`.

A tracker is bound to a repository of weights. The repository's folder is an Anew store: the experiments lie in
it as in any other, and the weights in its `weights/`. What is "best" follows the direction of the metric, where
coral takes the minimum of everything.
"""

from __future__ import annotations

from anew import Status as ExperimentStatus

from .experiment import Experiment, ExperimentMetric
from .repository import Repository, model_to_weights
from .tracker import ActiveExperiment, ExperimentTracker, NoActiveExperiment

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

UNSUPPORTED: dict[str, str] = {
    ".coral/experiments/*.json": "experiments written by coral are not read; new ones are kept in Anew's open format",
    'tracker.start("team/name")': "a slash in a name becomes a dash, because a name with a slash would be a prefix",
    "exp.metrics.append(...)": "an `Experiment` is read-only; log with the tracker to add to it",
}
