"""`coral.experiments`: the tracker and what it gives, by the address that coral's documents use."""

from __future__ import annotations

from ...trackers.coral.dialect import (
    Experiment,
    ExperimentMetric,
    ExperimentStatus,
    ExperimentTracker,
)

__all__ = ["Experiment", "ExperimentMetric", "ExperimentStatus", "ExperimentTracker"]
