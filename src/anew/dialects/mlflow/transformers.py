"""`mlflow.transformers`: see `anew.trackers.mlflow.dialect.flavors`."""

from __future__ import annotations

from ...trackers.mlflow.dialect.automatic import autolog_of
from ...trackers.mlflow.dialect.flavors import load_model, log_model

autolog = autolog_of("transformers")

__all__ = ["autolog", "load_model", "log_model"]
