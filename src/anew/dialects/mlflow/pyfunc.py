"""`mlflow.pyfunc`: see `anew.trackers.mlflow.dialect.flavors`."""

from __future__ import annotations

from ...trackers.mlflow.dialect.automatic import autolog
from ...trackers.mlflow.dialect.flavors import PythonModel, load_model, log_model

__all__ = ["PythonModel", "autolog", "load_model", "log_model"]
