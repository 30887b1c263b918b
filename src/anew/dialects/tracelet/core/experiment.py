"""`tracelet.core.experiment`: the experiment, by the address that tracelet's documents use."""

from __future__ import annotations

from ....trackers.tracelet.dialect import Experiment, ExperimentConfig

__all__ = ["Experiment", "ExperimentConfig"]
