"""`frameworm.experiment`: experiments and their manager, by the address that frameworm's documents use."""

from __future__ import annotations

from ....trackers.frameworm.dialect import Experiment, ExperimentManager

__all__ = ["Experiment", "ExperimentManager"]
