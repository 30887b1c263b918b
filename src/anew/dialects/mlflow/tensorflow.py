"""`mlflow.tensorflow`: see `flavors`."""

from __future__ import annotations

from .automatic import autolog
from .flavors import load_model, log_model

__all__ = ["autolog", "load_model", "log_model"]
