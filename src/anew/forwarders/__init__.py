"""Sending what was recorded to other trackers: where to, as `Experiment(forward_to=[MLflow("http://…")])`."""

from __future__ import annotations

from ..forwarding.address import Aim, ClearML, Destination, MLflow, TensorBoard, WandB

__all__ = ["Aim", "ClearML", "Destination", "MLflow", "TensorBoard", "WandB"]
