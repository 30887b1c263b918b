"""`mlflow.keras`: see `models`."""

from __future__ import annotations

from .automatic import autolog
from .models import load_model, log_model

__all__ = ["autolog", "load_model", "log_model"]
