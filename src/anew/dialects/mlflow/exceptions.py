"""`mlflow.exceptions`: what calls raise."""

from __future__ import annotations

from ...trackers.mlflow.dialect.exceptions import MlflowException

__all__ = ["MlflowException"]
