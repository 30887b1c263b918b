"""Sending what was recorded to other trackers: where to, as `Experiment(forward_to=[MLflow("http://…")])`."""

from __future__ import annotations

from .address import Address, Aim, ClearML, MLflow, TensorBoard, WandB

__all__ = ["Address", "Aim", "ClearML", "MLflow", "TensorBoard", "WandB"]
